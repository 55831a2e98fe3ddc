using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.Notifications.Tests;

public sealed class LoggingSenderTests(NotificationsServers servers)
{
    [Fact]
    public async Task Without_credentials_pushes_are_logged_without_personal_data()
    {
        using var logs = new CapturedLogs();
        await using var service = await NotificationsService.StartAsync(
            servers, configure: services => services.AddLogging(logging => logging.AddProvider(logs).SetMinimumLevel(LogLevel.Trace)));
        var user = Guid.CreateVersion7();
        using var registered = await service.RegisterAsync(user, "device-token-4711", "ios");
        await service.PublishAsync(new UserRegistered(user, "Amal Haddad", "amal@example.org", "en"));
        await service.PublishAsync(new ReportCreated(Guid.CreateVersion7(), user, "Lamp before my window", "lighting", 33.51301, 36.27652));

        await service.PublishAsync(new PasswordResetRequested(user, "amal@example.org", "link-token-4711", "en"));

        var feed = await service.WaitForFeedAsync(user, 2);
        await Eventually.TrueAsync(() => logs.Lines.Any(line => line.Contains("would be sent by e-mail")), "the mail");
        logs.Lines.Count(line => line.StartsWith("Warning") && line.Contains("Smtp:Host")).ShouldBe(1);
        foreach (var notification in feed)
        {
            var id = notification.GetProperty("id").GetGuid();
            await service.DeliveryAsync(id, DeliveryState.Sent);
            logs.Lines.ShouldContain(line => line.Contains(id.ToString()) && line.Contains("Ios"));
        }

        logs.Lines.Count(line => line.StartsWith("Warning") && line.Contains("Firebase:CredentialsJson")).ShouldBe(1);

        foreach (var secret in new[] { "device-token-4711", "link-token-4711", "Amal", "amal@example.org", "Lamp before my window", "33.513", "36.276", "Welcome", "Report received" })
        {
            logs.KashifLines.ShouldNotContain(line => line.Contains(secret));
        }
    }
}
