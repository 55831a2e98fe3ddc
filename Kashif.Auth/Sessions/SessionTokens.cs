using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Sessions;

/// <summary>Opens, continues and ends sessions by their refresh tokens.</summary>
internal sealed partial class SessionTokens(AuthDbContext database, IOptions<AuthOptions> options, TimeProvider time, ILogger<SessionTokens> logger)
{
    /// <summary>More than any token has: what is longer is not looked up.</summary>
    public const int MaxTokenLength = 200;

    private const int TokenBytes = 32;

    public async Task<(Guid Session, string RefreshToken)> OpenAsync(Guid userId, HttpContext http, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var token = NewToken();
        var session = new Session
        {
            Id = Guid.CreateVersion7(now),
            UserId = userId,
            CreatedAt = now,
            LastUsedAt = now,
            ExpiresAt = now + options.Value.SessionLifetime,
            IpAddress = http.ClientAddress,
            UserAgent = http.ClientUserAgent,
        };
        database.Sessions.Add(session);
        database.RefreshTokens.Add(new RefreshToken { Hash = HashOf(token), SessionId = session.Id });
        await database.SaveChangesAsync(cancellationToken);
        return (session.Id, token);
    }

    /// <summary>
    /// Uses a token up and gives its successor. A token that was used before is in two hands, one of them a thief's: that
    /// ends the session (RFC 9700 section 4.14.2).
    /// </summary>
    /// <returns>Null where the token is unknown, used, or its session over.</returns>
    public async Task<RotatedSession?> RotateAsync(string token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hash = HashOf(token);
        var next = NewToken();
        var nextHash = HashOf(next);
        var expires = now + options.Value.SessionLifetime;

        // One statement, so one transaction: of two requests with one token the second waits for the first's row, then finds it used.
        var rotated = await database.Database.SqlQuery<Rotation>($"""
            WITH used AS (
                UPDATE refresh_tokens SET used_at = {now} FROM sessions
                WHERE hash = {hash} AND used_at IS NULL
                    AND sessions.id = session_id AND revoked_at IS NULL AND expires_at > {now}
                    AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = user_id AND disabled_at IS NOT NULL)
                RETURNING session_id, user_id),
            child AS (
                INSERT INTO refresh_tokens (hash, session_id) SELECT {nextHash}, session_id FROM used),
            touched AS (
                UPDATE sessions SET last_used_at = {now}, expires_at = {expires} FROM used WHERE id = session_id)
            SELECT session_id AS "SessionId", user_id AS "UserId", ARRAY(
                SELECT name FROM user_roles JOIN roles ON roles.id = role_id WHERE user_roles.user_id = used.user_id) AS "Roles"
            FROM used
            """).ToListAsync(cancellationToken);
        if (rotated is [var rotation])
        {
            return new RotatedSession(rotation.UserId, rotation.SessionId, rotation.Roles, next);
        }

        var reused = await database.Sessions
            .Where(session => session.RevokedAt == null
                && database.RefreshTokens.Any(used => used.Hash == hash && used.UsedAt != null && used.SessionId == session.Id))
            .ExecuteUpdateAsync(set => set.SetProperty(session => session.RevokedAt, now), cancellationToken);
        if (reused > 0)
        {
            Reused(logger);
        }

        return null;
    }

    /// <summary>Ends the session that the token belongs to, if it is the user's.</summary>
    public Task CloseAsync(Guid userId, string token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hash = HashOf(token);
        return database.Sessions
            .Where(session => session.UserId == userId && session.RevokedAt == null
                && database.RefreshTokens.Any(given => given.Hash == hash && given.SessionId == session.Id))
            .ExecuteUpdateAsync(set => set.SetProperty(session => session.RevokedAt, now), cancellationToken);
    }

    /// <summary>Ends every session of the user.</summary>
    /// <param name="except">One that goes on.</param>
    public Task CloseAllAsync(Guid userId, CancellationToken cancellationToken, Guid? except = null)
    {
        var now = time.GetUtcNow();
        return database.Sessions
            .Where(session => session.UserId == userId && session.RevokedAt == null && session.Id != except)
            .ExecuteUpdateAsync(set => set.SetProperty(session => session.RevokedAt, now), cancellationToken);
    }

    private static string NewToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private sealed record Rotation(Guid SessionId, Guid UserId, string[] Roles);

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "A refresh token was used a second time; its session has been ended")]
    private static partial void Reused(ILogger logger);
}

internal sealed record RotatedSession(Guid UserId, Guid SessionId, string[] Roles, string RefreshToken);
