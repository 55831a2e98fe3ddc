using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Devices;

/// <summary>Removes the devices of ended sessions, ends their streams, and remembers the sessions: their access tokens are valid for some minutes more.</summary>
internal sealed class SignedOutHandler(NotificationsDbContext database, TimeProvider time) : IEventHandler<UserSignedOut>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserSignedOut>> events, CancellationToken cancellationToken)
    {
        await DeviceLock.TakeAsync(database, [.. events.Select(received => received.Data.UserId)], cancellationToken);
        foreach (var received in events)
        {
            var (user, sessions, everywhere) = received.Data;
            await database.Database.ExecuteSqlAsync($"""
                WITH ended AS (
                    INSERT INTO ended_sessions (session_id, ended_at) SELECT id, {time.GetUtcNow()} FROM unnest({sessions}) AS id ON CONFLICT DO NOTHING)
                DELETE FROM devices WHERE user_id = {user} AND (
                    ({everywhere} AND registered_at <= {received.Time}) -- the devices of expired sessions too, which the event does not name
                    OR session_id = ANY({sessions}))
                """, cancellationToken);
        }

        await InboxWakeUps.SendAsync(database, events.Select(received => received.Data.UserId), cancellationToken); // Ends the streams of the sessions.
    }
}

/// <summary>Held until the transaction ends: a device is registered before or after its session ends, not at the same time.</summary>
internal static class DeviceLock
{
    public static Task TakeAsync(NotificationsDbContext database, Guid[] users, CancellationToken cancellationToken)
    {
        // In one order, so that two batches wait for each other instead of deadlocking.
        var ordered = users.Distinct().Order().ToArray();
        return database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended(id::text, 0)) FROM unnest({ordered}) AS id", cancellationToken);
    }
}
