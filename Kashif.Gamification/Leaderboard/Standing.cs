namespace Kashif.Gamification.Leaderboard;

/// <summary>A user's points for the ranking, and those that count for the level.</summary>
internal sealed record Standing(Guid UserId, long Points, long Kept);

/// <summary>A part of a leaderboard.</summary>
/// <param name="First">How many users are before the first one in the list.</param>
/// <param name="Ahead">How many users have more points than the first one in the list.</param>
internal sealed record Neighbourhood(long First, long Ahead, List<Standing> Standings)
{
    public static Neighbourhood None { get; } = new(0, 0, []);

    /// <summary>The part's rows with their ranks: ties share one.</summary>
    public LeaderboardItem[] ToItems(Dictionary<Guid, string> names, Achievements.LevelTable levels)
    {
        var items = new LeaderboardItem[Standings.Count];
        for (var index = 0; index < items.Length; index++)
        {
            var (userId, points, kept) = Standings[index];
            var rank = index == 0 ? Ahead + 1 : items[index - 1].Points == points ? items[index - 1].Rank : First + index + 1;
            items[index] = new LeaderboardItem(rank, userId, names.GetValueOrDefault(userId), points, levels.Of(kept));
        }

        return items;
    }
}
