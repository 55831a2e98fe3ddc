using Kashif.Auth.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Deletion;

/// <summary>
/// Tells the services again: once when nothing new can come any more, then as often as it takes until all have confirmed that.
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

    /// <returns>How many deletions were due.</returns>
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
        foreach (var deletion in due)
        {
            database.Publish(new UserDeleted(deletion.UserId), now);
            deletion.NextSweepAt = now + options.Value.Deletion.Repeat;
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return due.Count;
    }

    [LoggerMessage(EventId = 2301, Level = LogLevel.Warning, Message = "The services could not be told of deletions again; tried again at the next pass")]
    private static partial void SweepFailed(ILogger logger, Exception exception);
}
