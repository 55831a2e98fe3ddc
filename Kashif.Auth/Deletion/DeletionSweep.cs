using Kashif.Auth.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Deletion;

/// <summary>
/// Publishes <c>user.deleted</c> again: once after the last access token has expired, then repeatedly until all services have confirmed.
/// </summary>
internal sealed partial class DeletionSweep(
    IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<DeletionSweep> logger) : BackgroundService
{
    private const int Batch = 100;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Deletion.Poll, time);
        do
        {
            try
            {
                while (await SweepAsync(stoppingToken) == Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                SweepFailed(logger, exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <returns>The number of due deletions, at most <see cref="Batch"/>.</returns>
    private async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var now = time.GetUtcNow();
        var due = await database.Deletions
            .FromSql($"""
                SELECT * FROM account_deletions WHERE completed_at IS NULL AND next_sweep_at <= {now}
                ORDER BY next_sweep_at LIMIT {Batch} FOR UPDATE SKIP LOCKED
                """)
            .ToListAsync(cancellationToken);

        // The relay may have held events when the account was deleted, and failed to publish them since.
        await AccountErasure.ForgetEventsAsync(database, [.. due.Select(deletion => deletion.UserId.ToString())], cancellationToken);
        foreach (var deletion in due)
        {
            database.Publish(new UserDeleted(deletion.UserId), now);
            deletion.NextSweepAt = now + options.Value.Deletion.Repeat;
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return due.Count;
    }

    [LoggerMessage(EventId = 2301, Level = LogLevel.Warning, Message = "Could not publish user.deleted again for due deletions; retrying at the next poll")]
    private static partial void SweepFailed(ILogger logger, Exception exception);
}
