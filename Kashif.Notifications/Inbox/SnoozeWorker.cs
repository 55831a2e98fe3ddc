using Kashif.Messaging;
using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Inbox;

/// <summary>Brings snoozed notifications back when their time has come: on top of the inbox, and as new in the stream. One replica claims each.</summary>
internal sealed class SnoozeWorker(IServiceScopeFactory scopes, TimeProvider time, ILogger<SnoozeWorker> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    private const int Batch = 200;
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<NotificationsDbContext>();
        while (await EndDueAsync(database, cancellationToken) == Batch)
        {
        }
    }

    /// <returns>The number of snoozes that ended.</returns>
    private async Task<int> EndDueAsync(NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var due = await database.Database
            .SqlQuery<Due>($"SELECT id, user_id FROM notifications WHERE snoozed_until <= {now} ORDER BY snoozed_until, id LIMIT {Batch} FOR NO KEY UPDATE SKIP LOCKED")
            .ToListAsync(cancellationToken);
        if (due.Count == 0)
        {
            return 0;
        }

        var positions = await InboxHead.AdvanceAsync(database, due.ConvertAll(row => row.UserId), cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            UPDATE notifications SET folder = {Folders.Inbox}, snoozed_until = NULL, sort_key = due.sort_key, position = due.position
            FROM unnest(
                {due.ConvertAll(row => row.Id)},
                {due.Index().Select(row => TimeOrderedId.Create(now.AddMicroseconds(row.Index))).ToArray()},
                {positions}) AS due (id, sort_key, position)
            WHERE notifications.id = due.id
            """, cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        return due.Count;
    }

    private sealed record Due(Guid Id, Guid UserId);
}
