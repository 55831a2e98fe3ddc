namespace Kashif.Security;

/// <summary>
/// What one service may do in another. Every route under <c>/internal</c> has one of these as its policy; the AppHost says which client
/// gets which, and Auth puts them into the client's tokens.
/// </summary>
public static class ServiceScopes
{
    /// <summary>Exchange API keys for tokens, in Auth.</summary>
    public const string ExchangeApiKeys = "api-keys:exchange";

    /// <summary>Debit points for redemptions, in Gamification.</summary>
    public const string DebitPoints = "points:debit";

    /// <summary>Read a user's part of an export, in every service with user data.</summary>
    public const string ExportUsers = "users:export";

    /// <summary>Send messages to users, in Notifications.</summary>
    public const string SendNotifications = "notifications:send";

    public static IReadOnlyList<string> All { get; } = [ExchangeApiKeys, DebitPoints, ExportUsers, SendNotifications];
}
