using System.Text.Json;
using Kashif.Auth.Data;
using Kashif.Messaging;
using Kashif.Security;

namespace Kashif.Auth.Audit;

/// <summary>Writes security events in the transaction of the change that they report.</summary>
internal sealed class AuditLog(AuthDbContext database, IHttpContextAccessor accessor, TimeProvider time)
{
    private DateTimeOffset _next;

    /// <summary>Adds an entry to the next save.</summary>
    /// <param name="userId">The account affected.</param>
    /// <param name="action">One of <see cref="AuditActions"/>.</param>
    /// <param name="details">No secrets and no personal data.</param>
    /// <param name="actorId">The user who acted, if the request has no token yet (a login).</param>
    public void Record(Guid userId, string action, IReadOnlyDictionary<string, string>? details = null, Guid? actorId = null)
    {
        var http = accessor.HttpContext;
        Add(userId, action, http?.ClientIpAddress, http?.ClientUserAgent, details, actorId ?? http?.User.UserIdOrNull);
    }

    /// <summary>Adds an entry for an anonymous request that has already been answered.</summary>
    /// <inheritdoc cref="Record(Guid, string, IReadOnlyDictionary{string, string}?, Guid?)"/>
    public void Record(Guid userId, string action, string? ipAddress, string? userAgent) => Add(userId, action, ipAddress, userAgent);

    /// <summary>The details of <see cref="AuditActions.RolesChanged"/>.</summary>
    public static Dictionary<string, string> RolesChanged(string[] before, string[] after) =>
        new() { ["before"] = string.Join(' ', before), ["after"] = string.Join(' ', after) };

    private void Add(
        Guid userId, string action, string? ipAddress, string? userAgent, IReadOnlyDictionary<string, string>? details = null, Guid? actorId = null)
    {
        // Entries are listed by id. Two entries of one microsecond would have a random order, so the second gets the next microsecond.
        var now = time.GetUtcNow();
        if (now < _next)
        {
            now = _next;
        }

        _next = now.AddMicroseconds(1);
        database.AuditLog.Add(new AuditEntry
        {
            Id = TimeOrderedId.Create(now),
            UserId = userId,
            ActorId = actorId,
            Action = action,
            Details = details is null ? null : JsonSerializer.Serialize(details, AuthJson.Default.IReadOnlyDictionaryStringString),
            IpAddress = ipAddress,
            UserAgent = userAgent,
            OccurredAt = now,
        });
    }
}

/// <summary>The actions of the audit log: stable names, part of the API.</summary>
internal static class AuditActions
{
    public const string Registered = "registered";
    public const string LoggedIn = "logged_in";
    public const string LoginFailed = "login_failed";
    public const string LockedOut = "locked_out";
    public const string LoggedOut = "logged_out";
    public const string SessionEnded = "session_ended";
    public const string SessionsEnded = "sessions_ended";
    public const string RefreshTokenReused = "refresh_token_reused";
    public const string PasswordChanged = "password_changed";
    public const string PasswordResetRequested = "password_reset_requested";
    public const string PasswordReset = "password_reset";
    public const string EmailVerified = "email_verified";
    public const string EmailChangeRequested = "email_change_requested";
    public const string EmailChanged = "email_changed";
    public const string TotpEnabled = "totp_enabled";
    public const string TotpDisabled = "totp_disabled";
    public const string RecoveryCodeUsed = "recovery_code_used";
    public const string RecoveryCodesRenewed = "recovery_codes_renewed";
    public const string RolesChanged = "roles_changed";
    public const string Disabled = "disabled";
    public const string Enabled = "enabled";
    public const string ApiKeyCreated = "api_key_created";
    public const string ApiKeyRevoked = "api_key_revoked";
    public const string SigningKeyRotated = "signing_key_rotated";
    public const string Exported = "exported";
    public const string DeletionRequested = "deletion_requested";
    public const string DeletionCompleted = "deletion_completed";
    public const string CustomerCreated = "customer_created";
    public const string CustomerChanged = "customer_changed";
    public const string CustomerInvited = "customer_invited";
    public const string TakenOver = "taken_over";
    public const string DeadLettersReplayed = "dead_letters_replayed";
}
