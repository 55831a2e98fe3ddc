using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;

namespace Kashif.Gamification.Leaderboard;

/// <summary>Keeps the totals and the ranking equal to the ledger.</summary>
internal sealed class LeaderboardStep(GamificationDbContext database, RankingCache ranking) : ILedgerStep
{
    public Task BookedAsync(IReadOnlyList<PointTransaction> entries, CancellationToken cancellationToken) =>
        Totals.AddAsync(database, [.. entries.Where(entry => entry.Rule is not null)], cancellationToken);

    public Task CommittedAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken) => ranking.WriteAsync(balances, cancellationToken);
}
