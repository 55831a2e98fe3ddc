using Kashif.Messaging;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Inbox;

/// <summary>Brings snoozed notifications back when their time has come: on top of the inbox, and as new in the stream. One replica claims each.</summary>
internal sealed partial class SnoozeWorker(IServiceScopeFactory scopes, TimeProvider time, ILogger<SnoozeWorker> logger) : BackgroundService
{
    private const int Batch = 200;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await EndDueAsync(stoppingToken) == Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(logger, exception);
            }

            await Task.Delay(Poll, time, stoppingToken);
        }
    }

    /// <returns>The number of snoozes that ended.</returns>
    private async Task<int> EndDueAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var due = await database.Database
            .SqlQuery<Due>($"SELECT id, user_id FROM notifications WHERE snoozed_until <= {now} ORDER BY snoozed_until, id LIMIT {Batch} FOR UPDATE SKIP LOCKED")
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

    [LoggerMessage(EventId = 6302, Level = LogLevel.Warning, Message = "Snoozed notifications could not be brought back; they stay hidden until the next attempt")]
    private static partial void Failed(ILogger logger, Exception exception);
}
