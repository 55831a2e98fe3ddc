namespace Kashif.Gamification.Ledger;

/// <summary>A user's level depends on all points ever earned, so spending does not lower it.</summary>
internal static class Level
{
    /// <summary>The points at which each level begins, from level 1.</summary>
    private static readonly long[] Thresholds = [0, 50, 150, 300, 600, 1_000, 2_000, 4_000, 8_000, 15_000];

    public static int Of(long earned)
    {
        var index = Array.BinarySearch(Thresholds, earned);
        return index >= 0 ? index + 1 : ~index;
    }
}
