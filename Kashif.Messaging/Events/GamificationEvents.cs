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
