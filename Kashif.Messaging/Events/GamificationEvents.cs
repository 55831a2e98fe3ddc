namespace Kashif.Messaging.Events;

/// <param name="Balance">The user's points after this transaction.</param>
public sealed record PointsAwarded(Guid TransactionId, Guid UserId, int Points, long Balance, string Reason) : IUserEvent
{
    public static string Type => "points.awarded";
    string IIntegrationEvent.Subject => TransactionId.ToString();
}

/// <param name="Points">What was spent, positive.</param>
/// <param name="Balance">The user's points after this transaction.</param>
public sealed record PointsRedeemed(Guid TransactionId, Guid UserId, int Points, long Balance, string Reason) : IUserEvent
{
    public static string Type => "points.redeemed";
    string IIntegrationEvent.Subject => TransactionId.ToString();
}

/// <summary>An earlier transaction is undone.</summary>
/// <param name="Points">The change of the balance: positive where spent points are given back; zero where all is owed.</param>
/// <param name="Balance">The user's points after this transaction.</param>
public sealed record PointsReversed(Guid TransactionId, Guid UserId, int Points, long Balance, string Reason) : IUserEvent
{
    public static string Type => "points.reversed";
    string IIntegrationEvent.Subject => TransactionId.ToString();
}

/// <summary>Points have passed the end of their validity: one event a user for all that expire together.</summary>
/// <param name="TransactionId">The last of their transactions.</param>
/// <param name="Points">What was left of them, positive.</param>
/// <param name="Balance">The user's points after this transaction.</param>
public sealed record PointsExpired(Guid TransactionId, Guid UserId, int Points, long Balance) : IUserEvent
{
    public static string Type => "points.expired";
    string IIntegrationEvent.Subject => TransactionId.ToString();
}

/// <summary>A user has unlocked an achievement. Once a user and code.</summary>
/// <param name="Title">The achievement's name in English.</param>
/// <param name="TitleAr">In Arabic; null from a publisher of a former version.</param>
public sealed record AchievementUnlocked(Guid UserId, string Code, string Title, string? TitleAr = null) : IUserEvent
{
    public static string Type => "achievement.unlocked";
    string IIntegrationEvent.Subject => Code;
}

/// <summary>A user's trust score has changed.</summary>
/// <param name="Score">From 0 to 100.</param>
/// <param name="Previous">The score before; before the first, the score without history.</param>
/// <param name="Threshold">The threshold of the model that the score has crossed; null if none.</param>
public sealed record ScoreUpdated(Guid UserId, double Score, double? Previous, double? Threshold) : IUserEvent
{
    public static string Type => "score.updated";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>A user has completed a quest, and the reward is paid. Once a user and quest.</summary>
/// <param name="Title">The quest's title in English.</param>
/// <param name="TitleAr">The quest's title in Arabic.</param>
/// <param name="Points">The reward.</param>
public sealed record QuestCompleted(Guid UserId, int QuestId, string Title, string TitleAr, int Points) : IUserEvent
{
    public static string Type => "quest.completed";
    string IIntegrationEvent.Subject => $"{QuestId}";
}
