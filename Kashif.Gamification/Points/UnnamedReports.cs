using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <summary>
/// Takes off the leaderboards of categories and areas what a former version has left there of reports that became anonymous or private. Their
/// kept events say so. This version does it with each event, so one run after the start is enough.
/// </summary>
internal sealed class UnnamedReports(IServiceScopeFactory scopes, TimeProvider time, ILogger<UnnamedReports> logger) : HourlyService(scopes, time, logger)
{
    /// <summary>Awards wait for a batch.</summary>
    private const int BatchSize = 50;

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    private readonly IServiceScopeFactory _scopes = scopes;
    private bool _isDone;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        if (_isDone)
        {
            return;
        }

        var database = services.GetRequiredService<GamificationDbContext>();
        database.Database.SetCommandTimeout(Timeout); // reads all events once
        foreach (var reports in (await FindAsync(database, cancellationToken)).Chunk(BatchSize))
        {
            await using var scope = _scopes.CreateAsyncScope();
            var awards = scope.ServiceProvider.GetRequiredService<Awards>();
            foreach (var report in reports)
            {
                awards.Add(report, Guid.Empty, new EventCause(null, null));
            }

            await using var transaction = await scope.ServiceProvider.GetRequiredService<GamificationDbContext>().Database.BeginTransactionAsync(cancellationToken);
            await awards.CompleteAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            await scope.ServiceProvider.GetRequiredService<PointsLedger>().CommittedAsync(CancellationToken.None); // it is committed
        }

        _isDone = true;
    }

    private static Task<List<Guid>> FindAsync(GamificationDbContext database, CancellationToken cancellationToken) => (
        from entry in database.ReportEvents
        where entry.Unnamed == true
        join award in database.Transactions on entry.ReportId.ToString() equals award.Reference
        where award.Kind == EntryKind.Earned && award.Rule != null && award.UserId != ErasedUser.Id && (award.Category != null || award.Area != null)
            && !database.Transactions.Any(move => move.Cause == PointTransaction.UnnamedCause + award.Id.ToString())
            && award.Points + database.Transactions.Where(reversal => reversal.Reverses == award.Id && reversal.Kind == EntryKind.Reversed)
                .Sum(reversal => reversal.Points - reversal.Owed) > 0
        select entry.ReportId).Distinct().ToListAsync(cancellationToken);
}
