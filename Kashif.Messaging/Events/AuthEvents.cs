namespace Kashif.Messaging.Events;

public sealed record UserRegistered(Guid UserId, string FullName, string Email, string Language) : IUserEvent
{
    public static string Type => "user.registered";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>Something of this has changed; each event has the whole, so the one that occurred last counts.</summary>
/// <param name="Channels">Channels for notifications in addition to the feed: <c>push</c>, <c>email</c>.</param>
public sealed record UserUpdated(Guid UserId, string FullName, string Email, string Language, string[] Channels) : IUserEvent
{
    public static string Type => "user.updated";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>The roles of an account have changed, or an admin has disabled or enabled it. The event that occurred last counts.</summary>
/// <param name="Roles">All roles that it has now. A disabled account keeps its roles.</param>
/// <param name="ChangedBy">The admin who did it; null if no user did.</param>
/// <param name="Disabled">Whether the account is disabled now.</param>
public sealed record UserRolesChanged(Guid UserId, string[] Roles, Guid? ChangedBy, bool Disabled = false) : IUserEvent
{
    public static string Type => "user.roles_changed";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>
/// Everything held about this person is to be erased, or kept unlinked where it must be kept; every service answers with
/// <see cref="UserDataErased"/>. It may come more than once, and after data that was made since the first time.
/// </summary>
public sealed record UserDeleted(Guid UserId) : IIntegrationEvent
{
    public static string Type => "user.deleted";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>A service's receipt for <see cref="UserDeleted"/>.</summary>
/// <param name="Service">Of <see cref="ResourceNames"/>.</param>
public sealed record UserDataErased(Guid UserId, string Service) : IIntegrationEvent
{
    public static string Type => "user.data_erased";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>Sessions of a user have ended before their time: their devices get no more pushes.</summary>
/// <param name="Everywhere">Whether these are all sessions of the user: devices that belong to none go too.</param>
public sealed record UserSignedOut(Guid UserId, Guid[] SessionIds, bool Everywhere) : IUserEvent
{
    public static string Type => "user.signed_out";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <param name="Token">The secret of the link; it is never logged.</param>
public sealed record PasswordResetRequested(Guid UserId, string Email, string Token, string Language) : IUserEvent
{
    public static string Type => "user.password_reset_requested";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <param name="Token">The secret of the link; it is never logged.</param>
public sealed record EmailVerificationRequested(Guid UserId, string Email, string Token, string Language) : IUserEvent
{
    public static string Type => "user.email_verification_requested";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>Customer service has made an account for a person, who may take it over.</summary>
/// <param name="Token">The secret of the link; it is never logged.</param>
public sealed record UserInvited(Guid UserId, string Email, string Token, string Language) : IUserEvent
{
    public static string Type => "user.invited";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>The security of an account has changed; the user is told by e-mail.</summary>
/// <param name="Email">The address to tell: after a change of the address the former one.</param>
/// <param name="Change">Of <see cref="SecurityChanges"/>.</param>
public sealed record UserSecurityChanged(Guid UserId, string Email, string Language, string Change) : IUserEvent
{
    public static string Type => "user.security_changed";
    string IIntegrationEvent.Subject => UserId.ToString();
}

/// <summary>The changes of <see cref="UserSecurityChanged"/>.</summary>
public static class SecurityChanges
{
    public const string PasswordChanged = "password_changed";
    public const string EmailChangeRequested = "email_change_requested";
    public const string EmailChanged = "email_changed";
    public const string TotpEnabled = "totp_enabled";
    public const string TotpDisabled = "totp_disabled";
    public const string ApiKeyCreated = "api_key_created";

    /// <summary>Every change.</summary>
    public static IReadOnlyList<string> All { get; } = [PasswordChanged, EmailChangeRequested, EmailChanged, TotpEnabled, TotpDisabled, ApiKeyCreated];
}
