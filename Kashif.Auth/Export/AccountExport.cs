using System.Text.Json;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Export;

/// <summary>The data that Auth holds about a user, without passwords, secrets, tokens or hashes.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Email" example="amina@example.org">The address to sign in with.</param>
/// <param name="EmailVerified">Whether the address is verified.</param>
/// <param name="PendingEmail" example="null">The address that replaces it once it is verified; null if there is none.</param>
/// <param name="FullName" example="Amina Haddad">The user's name.</param>
/// <param name="Phone" example="+963 11 123 4567">The phone number; null if there is none.</param>
/// <param name="Roles" example='["citizen"]'>The user's roles.</param>
/// <param name="Language" example="en">The language of notifications and e-mails.</param>
/// <param name="Theme" example="system">The colours of the app.</param>
/// <param name="PushEnabled">Whether notifications are pushed to the user's devices.</param>
/// <param name="EmailEnabled">Whether notifications are sent by e-mail.</param>
/// <param name="TwoFactor">Whether logins ask for a code of an authenticator app.</param>
/// <param name="CreatedAt">When the user registered.</param>
/// <param name="DisabledAt" example="null">When an admin disabled the user; null if the user is enabled.</param>
/// <param name="Sessions">All sessions, oldest first.</param>
/// <param name="ApiKeys">All API keys, oldest first.</param>
/// <param name="AuditLog">All entries of the audit log, oldest first.</param>
internal sealed record AccountExport(
    Guid Id, string Email, bool EmailVerified, string? PendingEmail, string FullName, string? Phone, string[] Roles, string Language, string Theme, bool PushEnabled, bool EmailEnabled,
    bool TwoFactor, DateTimeOffset CreatedAt, DateTimeOffset? DisabledAt,
    IReadOnlyList<ExportedSession> Sessions, IReadOnlyList<ExportedApiKey> ApiKeys, IReadOnlyList<ExportedAuditEntry> AuditLog)
{
    /// <returns>Null if there is no such account.</returns>
    public static async Task<AccountExport?> ReadAsync(Guid userId, AuthDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Users.AsNoTracking().SingleOrDefaultAsync(user => user.Id == userId, cancellationToken) is not { } user)
        {
            return null;
        }

        var sessions = await database.Sessions.Where(session => session.UserId == userId).OrderBy(session => session.Id)
            .Select(session => new ExportedSession(session.Id, session.CreatedAt, session.LastUsedAt, session.ExpiresAt, session.RevokedAt, session.IpAddress, session.UserAgent))
            .ToListAsync(cancellationToken);
        var keys = await database.ApiKeys.Where(key => key.UserId == userId).OrderBy(key => key.Id)
            .Select(key => new ExportedApiKey(key.Id, key.Name, key.Scopes, key.CreatedAt, key.ExpiresAt, key.LastUsedAt, key.RevokedAt))
            .ToListAsync(cancellationToken);
        var entries = await database.AuditLog.AsNoTracking().Where(entry => entry.UserId == userId).OrderBy(entry => entry.Id).ToListAsync(cancellationToken);

        return new AccountExport(
            user.Id, user.Email, user.EmailConfirmed, user.PendingEmail, user.FullName, user.PhoneNumber, user.Roles, user.Language, user.Theme, user.PushEnabled, user.EmailEnabled,
            await database.TotpCredentials.AnyAsync(credential => credential.UserId == userId && credential.ConfirmedAt != null, cancellationToken),
            user.CreatedAt, user.DisabledAt, sessions, keys, [.. entries.Select(ExportedAuditEntry.Of)]);
    }
}

/// <summary>A session.</summary>
/// <param name="Id">The session's id.</param>
/// <param name="CreatedAt">When the user logged in.</param>
/// <param name="LastUsedAt">When the session was last refreshed.</param>
/// <param name="ExpiresAt" example="2026-12-20T08:30:00Z">When the session ends without a refresh.</param>
/// <param name="EndedAt" example="null">When the session was ended; null if it was not.</param>
/// <param name="IpAddress" example="203.0.113.7">The IP address of the login; null if it is not known.</param>
/// <param name="UserAgent" example="Mozilla/5.0">The User-Agent of the login; null if there was none.</param>
internal sealed record ExportedSession(
    Guid Id, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, DateTimeOffset ExpiresAt, DateTimeOffset? EndedAt, string? IpAddress, string? UserAgent);

/// <summary>An API key.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Name" example="Till at the counter">The name given at its creation.</param>
/// <param name="Scopes" example='["reporting:read"]'>What the key may do.</param>
/// <param name="CreatedAt">When the key was created.</param>
/// <param name="ExpiresAt" example="null">When the key expires; null if it does not.</param>
/// <param name="LastUsedAt" example="null">When the key was last used; null if it was not.</param>
/// <param name="RevokedAt" example="null">When the key was revoked; null if it was not.</param>
internal sealed record ExportedApiKey(
    Guid Id, string Name, string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt);

/// <summary>An entry of the audit log.</summary>
/// <param name="Action" example="logged_in">What happened.</param>
/// <param name="Details" example="null">Further details, as strings by name; null if there are none.</param>
/// <param name="IpAddress" example="203.0.113.7">The client's IP address; null if it is not known.</param>
/// <param name="UserAgent" example="Mozilla/5.0">The client's User-Agent; null if it sent none.</param>
/// <param name="OccurredAt">When it happened.</param>
internal sealed record ExportedAuditEntry(string Action, JsonElement? Details, string? IpAddress, string? UserAgent, DateTimeOffset OccurredAt)
{
    public static ExportedAuditEntry Of(Audit.AuditEntry entry) => new(
        entry.Action,
        entry.Details is null ? null : JsonSerializer.Deserialize(entry.Details, AuthJson.Default.JsonElement),
        entry.IsByOwner ? entry.IpAddress : null,
        entry.IsByOwner ? entry.UserAgent : null,
        entry.OccurredAt);
}
