using System.Net.Http.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Tests;

/// <summary>Deleting a user deletes all their data.</summary>
public sealed class ErasureTests(NotificationsServers servers)
{
    [Fact]
    public async Task Erasing_a_user_leaves_no_data()
    {
        await using var service = await NotificationsService.StartAsync(servers);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var user = Guid.CreateVersion7();
        await service.PublishAsync(new UserRegistered(user, "Lina Haddad", "lina@people.test", "ar"));
        (await service.RegisterAsync(user, "phone-token-4711")).EnsureSuccessStatusCode();
        await service.NotifyAsync(user);
        await service.WaitForFeedAsync(user, 2);
        using (var client = service.As(user))
        {
            using var preferences = await client.PutAsJsonAsync(
                "/api/v1/notifications/preferences", new { paused_until = TimeProvider.System.GetUtcNow().AddHours(1) }, TestContext.Current.CancellationToken);
            preferences.EnsureSuccessStatusCode();
        }

        await service.NotifyAsync(user); // held
        (await DatabaseScan.TablesWithAsync(service.Database, user.ToString())).Except(["outbox"]).ShouldNotBeEmpty();

        using (var auth = service.AsService())
        {
            var text = await auth.GetStringAsync($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
            text.ShouldContain("lina@people.test");
            text.ShouldContain("points.awarded");
            text.ShouldContain("paused_until");
            text.ShouldNotContain("phone-token-4711");
        }

        await tap.EraseAsync(user, ResourceNames.Notifications);

        (await DatabaseScan.TablesWithAsync(service.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Database, "Lina Haddad")).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Database, "phone-token-4711")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Erasure_and_export_read_by_index()
    {
        await using var service = await NotificationsService.StartAsync(servers);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var user = Guid.CreateVersion7();
        using var queries = PersonQueries.Record(user);
        using var auth = service.AsService();

        await auth.GetStringAsync($"/internal/v1/users/{user}/export", TestContext.Current.CancellationToken);
        await tap.EraseAsync(user, ResourceNames.Notifications);

        (await queries.ScansAsync(service.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Late_and_replayed_events_bring_no_erased_user_back()
    {
        await using var service = await NotificationsService.StartAsync(servers);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var user = Guid.CreateVersion7();
        var ids = Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7()).ToArray();
        await tap.EraseAsync(user, ResourceNames.Notifications);

        await service.PublishAsync(new UserRegistered(user, "Lina Haddad", "lina@people.test", "ar"), ids[0]);
        await service.PublishAsync(new UserUpdated(user, "Lina Haddad", "lina@people.test", "ar", ["push", "email"]), ids[1]);
        await service.PublishAsync(new EmailVerificationRequested(user, "lina@people.test", "token", "ar"), ids[2]);
        await service.PublishAsync(new UserSecurityChanged(user, "lina@people.test", "ar", SecurityChanges.PasswordChanged), ids[3]);
        await service.PublishAsync(new ReportCreated(Guid.CreateVersion7(), user, "Lina Haddad's hole", "pothole", 1, 2), ids[4]);

        await Eventually.TrueAsync(
            async () => await service.QueryAsync(database => database.Set<InboxEntry>().Where(entry => ids.Contains(entry.EventId)).Select(entry => entry.EventId).Distinct().CountAsync()) == ids.Length, "the events in the inbox");
        (await DatabaseScan.TablesWithAsync(service.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Database, "lina@people.test")).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Database, "Lina Haddad")).ShouldBeEmpty();
    }
}
