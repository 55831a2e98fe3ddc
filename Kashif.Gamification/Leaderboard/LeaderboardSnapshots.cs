using System.Diagnostics;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Leaderboard;

internal enum Period
{
    All,
    Month,
    Week,
}

/// <summary>
/// Caches the leaderboard of each period in this process: reads it at most once per <see cref="MaxAge"/> and serializes each page
/// once.
/// </summary>
internal sealed class LeaderboardSnapshots(
    RankingCache ranking, IServiceScopeFactory scopes, IOptions<JsonOptions> json, TimeProvider time) : IDisposable
{
    /// <summary>The number of users on the leaderboard.</summary>
    public const int Depth = 1000;

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
        leaderboard.Current is { } snapshot && time.GetElapsedTime(snapshot.TakenAt) < MaxAge(leaderboard.Period) ? snapshot : null;

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
            return leaderboard.Current = new LeaderboardSnapshot(Rank(standings), takenAt, MaxAge(leaderboard.Period), json.Value.SerializerOptions);
        }
        finally
        {
            leaderboard.Lock.Release();
        }
    }

    /// <summary>Longer for a month or week, because its points must be summed up.</summary>
    private static TimeSpan MaxAge(Period period) => period switch
    {
        Period.All => TimeSpan.FromSeconds(1),
        Period.Month or Period.Week => TimeSpan.FromSeconds(10),
        _ => throw new UnreachableException(),
    };

    private async Task<List<Standing>> ReadAsync(Period period, CancellationToken cancellationToken)
    {
        if (period == Period.All && await ranking.TopAsync(Depth, cancellationToken) is { } top)
        {
            return top;
        }

        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        return await (period == Period.All ? Balances(database) : Earned(database, Start(period)))
            .Take(Depth)
            .ToListAsync(cancellationToken);
    }

    private static IQueryable<Standing> Balances(GamificationDbContext database) =>
        from balance in database.Balances
        where balance.Points > 0 && balance.UserId != ErasedUser.Id
        orderby balance.Points descending, balance.UserId
        select new Standing(balance.UserId, balance.Points, balance.Earned);

    private static IQueryable<Standing> Earned(GamificationDbContext database, DateTimeOffset since) =>
        from sum in
            from entry in database.Transactions
            where entry.CreatedAt >= since && entry.Rule != null && entry.UserId != ErasedUser.Id
            group entry.Points by entry.UserId into user
            select new { UserId = user.Key, Points = user.Sum(points => (long)points) }
        join balance in database.Balances on sum.UserId equals balance.UserId
        orderby sum.Points descending, sum.UserId
        select new Standing(sum.UserId, sum.Points, balance.Earned);

    /// <summary>The first instant of this month, or of this ISO 8601 week (its Monday), in UTC.</summary>
    private DateTimeOffset Start(Period period)
    {
        var today = time.GetUtcNow().UtcDateTime.Date;
        return period == Period.Month
            ? new DateTimeOffset(today.AddDays(1 - today.Day), TimeSpan.Zero)
            : new DateTimeOffset(today.AddDays(-(((int)today.DayOfWeek + 6) % 7)), TimeSpan.Zero);
    }

    private static LeaderboardItem[] Rank(List<Standing> standings)
    {
        var items = new LeaderboardItem[standings.Count];
        for (var index = 0; index < items.Length; index++)
        {
            var (userId, points, earned) = standings[index];
            var rank = index > 0 && items[index - 1].Points == points ? items[index - 1].Rank : index + 1;
            items[index] = new LeaderboardItem(rank, userId, points, Level.Of(earned));
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
