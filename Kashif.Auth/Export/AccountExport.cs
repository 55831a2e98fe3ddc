using System.Text.Json;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Export;

/// <summary>The data that Auth holds about a user, without passwords, secrets, tokens or hashes.</summary>
internal sealed record AccountExport(
    Guid Id, string Email, bool EmailVerified, string FullName, string? Phone, string[] Roles, string Language, string Theme, bool PushEnabled, bool EmailEnabled,
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
            user.Id, user.Email, user.EmailConfirmed, user.FullName, user.PhoneNumber, user.Roles, user.Language, user.Theme, user.PushEnabled, user.EmailEnabled,
            await database.TotpCredentials.AnyAsync(credential => credential.UserId == userId && credential.ConfirmedAt != null, cancellationToken),
            user.CreatedAt, user.DisabledAt, sessions, keys, [.. entries.Select(ExportedAuditEntry.Of)]);
    }
}

internal sealed record ExportedSession(
    Guid Id, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, DateTimeOffset ExpiresAt, DateTimeOffset? EndedAt, string? IpAddress, string? UserAgent);

internal sealed record ExportedApiKey(
    Guid Id, string Name, string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt);

internal sealed record ExportedAuditEntry(string Action, JsonElement? Details, string? IpAddress, string? UserAgent, DateTimeOffset OccurredAt)
{
    public static ExportedAuditEntry Of(Audit.AuditEntry entry) => new(
        entry.Action,
        entry.Details is null ? null : JsonSerializer.Deserialize(entry.Details, AuthJson.Default.JsonElement),
        entry.IsByOwner ? entry.IpAddress : null,
        entry.IsByOwner ? entry.UserAgent : null,
        entry.OccurredAt);
}
