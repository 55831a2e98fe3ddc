using System.Diagnostics;

namespace Kashif.Gamification.Leaderboard;

internal enum Period
{
    All,
    Month,
    Week,
}

internal static class Periods
{
    /// <summary>The periods whose totals of the whole city are sums; <see cref="Period.All"/> has the balances.</summary>
    public static readonly Period[] Calendar = [Period.Month, Period.Week];

    /// <summary>Before the first entry of every ledger.</summary>
    private static readonly DateOnly Beginning = new(2000, 1, 1);

    /// <summary>The first day of the calendar month or of the ISO 8601 week (its Monday), in UTC.</summary>
    public static DateOnly StartOf(this Period period, DateTimeOffset time)
    {
        var day = DateOnly.FromDateTime(time.UtcDateTime);
        return period switch
        {
            Period.Month => day.AddDays(1 - day.Day),
            Period.Week => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)),
            Period.All => Beginning,
            _ => throw new UnreachableException(),
        };
    }
}
