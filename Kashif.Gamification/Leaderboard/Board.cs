using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Leaderboard;

/// <summary>One of the leaderboards.</summary>
/// <param name="Area">Only the points of reports in this area; null for the whole city.</param>
/// <param name="Category">Only the points of reports of this category; null for all.</param>
internal readonly record struct Board(Period Period, string? Area = null, string? Category = null)
{
    /// <summary>Whether it is sorted by the balances, which Redis has too.</summary>
    public bool IsRanking => this is { Period: Period.All, IsScoped: false };

    public bool IsScoped => Area is not null || Category is not null;

    /// <returns>The users who are on it, from the database.</returns>
    public IQueryable<BoardRow> Rows(GamificationDbContext database, DateTimeOffset now)
    {
        if (IsRanking)
        {
            return database.Balances.Where(balance => balance.Points > 0 && !balance.Hidden && balance.UserId != ErasedUser.Id)
                .Select(balance => new BoardRow { UserId = balance.UserId, Points = balance.Points });
        }

        var (period, startsOn, area, category) = (Period, Period.StartOf(now), Area ?? "", Category ?? "");
        var totals = IsScoped
            ? database.ScopedTotals
                .Where(total => total.Period == period && total.StartsOn == startsOn && total.Area == area && total.Category == category && total.Points > 0)
                .Select(total => new BoardRow { UserId = total.UserId, Points = total.Points })
            : database.PeriodTotals
                .Where(total => total.Period == period && total.StartsOn == startsOn && total.Points > 0)
                .Select(total => new BoardRow { UserId = total.UserId, Points = total.Points });
        return totals.Where(total => !database.Balances.Any(balance => balance.UserId == total.UserId && balance.Hidden));
    }

    /// <returns>The first users, from the database.</returns>
    public Task<List<Standing>> TopAsync(GamificationDbContext database, DateTimeOffset now, int count, CancellationToken cancellationToken) =>
        StandingsAsync(database, Rows(database, now).OrderByDescending(row => row.Points).ThenBy(row => row.UserId).Take(count), cancellationToken);

    /// <returns>The users around a user, from the database as of one moment.</returns>
    public async Task<Neighbourhood> AroundAsync(
        GamificationDbContext database, DateTimeOffset now, Guid userId, int neighbours, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var rows = Rows(database, now);
        if (await rows.Where(row => row.UserId == userId).Select(row => (long?)row.Points).SingleOrDefaultAsync(cancellationToken) is not { } points)
        {
            return Neighbourhood.None;
        }

        var before = rows.Where(row => row.Points > points || (row.Points == points && row.UserId < userId));
        var above = await StandingsAsync(database, before.OrderBy(row => row.Points).ThenByDescending(row => row.UserId).Take(neighbours), cancellationToken);
        var below = await StandingsAsync(
            database,
            rows.Where(row => row.Points < points || (row.Points == points && row.UserId >= userId))
                .OrderByDescending(row => row.Points).ThenBy(row => row.UserId).Take(neighbours + 1),
            cancellationToken);
        List<Standing> standings = [.. above, .. below];
        var most = standings[0].Points;
        return new Neighbourhood(
            await before.LongCountAsync(cancellationToken) - above.Count, await rows.LongCountAsync(row => row.Points > most, cancellationToken), standings);
    }

    private static Task<List<Standing>> StandingsAsync(GamificationDbContext database, IQueryable<BoardRow> rows, CancellationToken cancellationToken) => (
        from row in rows
        join balance in database.Balances on row.UserId equals balance.UserId
        orderby row.Points descending, row.UserId
        select new Standing(row.UserId, row.Points, balance.Earned - balance.Reversed - balance.Owed)).ToListAsync(cancellationToken);
}

/// <summary>A user's points on a board.</summary>
internal sealed class BoardRow
{
    public Guid UserId { get; init; }
    public long Points { get; init; }
}
