using System.Collections.Concurrent;
using Kashif.Events;
using Kashif.Notifications.Delivery;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.Notifications.Tests;

public sealed class LoggingSenderTests(Servers servers)
{
    [Fact]
    public async Task Without_credentials_pushes_are_logged_and_nothing_personal_is()
    {
        using var logs = new Capture();
        await using var service = await NotificationsHost.StartAsync(
            servers, configure: services => services.AddLogging(logging => logging.AddProvider(logs).SetMinimumLevel(LogLevel.Trace)));
        var user = Guid.CreateVersion7();
        using var registered = await service.RegisterAsync(user, "device-token-4711", "ios");
        await service.PublishAsync(new UserRegistered(user, "Amal Haddad", "amal@example.org", "en"));
        await service.PublishAsync(new ReportCreated(Guid.CreateVersion7(), user, "Lamp before my window", "lighting", 33.51301, 36.27652));

        await service.PublishAsync(new PasswordResetRequested(user, "amal@example.org", "link-token-4711", "en"));

        var inbox = await service.InboxOfSizeAsync(user, 2);
        await Eventually.TrueAsync(() => logs.Lines.Any(line => line.Contains("would be sent by e-mail")), "the mail");
        logs.Lines.Count(line => line.StartsWith("Warning") && line.Contains("Smtp:Host")).ShouldBe(1);
        foreach (var notification in inbox)
        {
            var id = notification.GetProperty("id").GetGuid();
            await service.DeliveryAsync(id, DeliveryState.Sent);
            logs.Lines.ShouldContain(line => line.Contains(id.ToString()) && line.Contains("Ios"));
        }

        logs.Lines.Count(line => line.StartsWith("Warning") && line.Contains("Firebase:CredentialsJson")).ShouldBe(1);

        // Named by its own category: the framework's own tracing of requests and frames is off in every environment.
        var kashif = logs.Lines.Where(line => line.Contains(" Kashif.") || line.Contains(" Microsoft.EntityFrameworkCore"));
        foreach (var secret in new[] { "device-token-4711", "link-token-4711", "Amal", "amal@example.org", "Lamp before my window", "33.513", "36.276", "Welcome", "Report received" })
        {
            kashif.ShouldNotContain(line => line.Contains(secret));
        }
    }

    private sealed class Capture : ILoggerProvider
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyList<string> Lines => [.. _lines];

        public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

        public void Dispose()
        {
        }

        private sealed class Logger(Capture capture, string category) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                capture._lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)} {exception}");
        }
    }
}
