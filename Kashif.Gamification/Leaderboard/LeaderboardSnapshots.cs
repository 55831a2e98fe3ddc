using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// Caches the leaderboard of each period in this process: reads it at most once per <see cref="MaxAge"/> and serializes each page
/// once.
/// </summary>
internal sealed class LeaderboardSnapshots(
    RankingCache ranking, LevelCache levels, IServiceScopeFactory scopes, IOptions<JsonOptions> json, TimeProvider time) : IDisposable
{
    /// <summary>The number of users on the leaderboard.</summary>
    public const int Depth = 1000;

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly PeriodLeaderboard[] _leaderboards = [.. Enum.GetValues<Period>().Select(period => new PeriodLeaderboard(period))];

    public void Dispose()
    {
        foreach (var leaderboard in _leaderboards)
        {
            leaderboard.Lock.Dispose();
        }
    }

    public ValueTask<LeaderboardSnapshot> GetAsync(Period period, CancellationToken cancellationToken)
    {
        var leaderboard = _leaderboards[(int)period];
        return FreshSnapshot(leaderboard) is { } snapshot ? ValueTask.FromResult(snapshot) : RefreshAsync(leaderboard, cancellationToken);
    }

    private LeaderboardSnapshot? FreshSnapshot(PeriodLeaderboard leaderboard) =>
        leaderboard.Current is { } snapshot && time.GetElapsedTime(snapshot.TakenAt) < MaxAge ? snapshot : null;

    private async ValueTask<LeaderboardSnapshot> RefreshAsync(PeriodLeaderboard leaderboard, CancellationToken cancellationToken)
    {
        await leaderboard.Lock.WaitAsync(cancellationToken);
        try
        {
            if (FreshSnapshot(leaderboard) is { } snapshot)
            {
                return snapshot;
            }

            var takenAt = time.GetTimestamp();
            var standings = await ReadAsync(leaderboard.Period, cancellationToken);
            return leaderboard.Current = new LeaderboardSnapshot(Rank(standings, await levels.GetAsync(cancellationToken)), takenAt, MaxAge, json.Value.SerializerOptions);
        }
        finally
        {
            leaderboard.Lock.Release();
        }
    }

    private async Task<List<Standing>> ReadAsync(Period period, CancellationToken cancellationToken)
    {
        if (period == Period.All && await ranking.TopAsync(Depth, cancellationToken) is { } top)
        {
            return top;
        }

        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        return await (period == Period.All ? Balances(database) : Earned(database, period, period.StartOf(time.GetUtcNow())))
            .Take(Depth)
            .ToListAsync(cancellationToken);
    }

    private static IQueryable<Standing> Balances(GamificationDbContext database) =>
        from balance in database.Balances
        where balance.Points > 0 && balance.UserId != ErasedUser.Id
        orderby balance.Points descending, balance.UserId
        select new Standing(balance.UserId, balance.Points, balance.Earned);

    private static IQueryable<Standing> Earned(GamificationDbContext database, Period period, DateOnly startsOn) =>
        from total in database.PeriodTotals
        where total.Period == period && total.StartsOn == startsOn && total.Points > 0
        join balance in database.Balances on total.UserId equals balance.UserId
        orderby total.Points descending, total.UserId
        select new Standing(total.UserId, total.Points, balance.Earned);

    private static LeaderboardItem[] Rank(List<Standing> standings, LevelTable levels)
    {
        var items = new LeaderboardItem[standings.Count];
        for (var index = 0; index < items.Length; index++)
        {
            var (userId, points, earned) = standings[index];
            var rank = index > 0 && items[index - 1].Points == points ? items[index - 1].Rank : index + 1;
            items[index] = new LeaderboardItem(rank, userId, points, levels.Of(earned));
        }

        return items;
    }

    private sealed class PeriodLeaderboard(Period period)
    {
        public Period Period { get; } = period;
        public SemaphoreSlim Lock { get; } = new(1);
        public volatile LeaderboardSnapshot? Current;
    }
}
