using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Sessions;

/// <summary>Opens, refreshes and ends sessions.</summary>
internal sealed partial class SessionTokens(
    AuthDbContext database, AuditLog audit, IOptions<AuthOptions> options, TimeProvider time, ILogger<SessionTokens> logger)
{
    /// <summary>Longer tokens are refused without a lookup.</summary>
    public const int MaxTokenLength = 200;

    private const int TokenBytes = 32;

    /// <summary>Adds a session, its first refresh token and its audit entry to the next save.</summary>
    public OpenedSession Open(Guid userId, HttpContext http)
    {
        var now = time.GetUtcNow();
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var session = new Session
        {
            Id = Guid.CreateVersion7(now),
            UserId = userId,
            CreatedAt = now,
            LastUsedAt = now,
            ExpiresAt = now + options.Value.SessionLifetime,
            IpAddress = http.ClientIpAddress,
            UserAgent = http.ClientUserAgent,
        };
        database.Sessions.Add(session);
        database.RefreshTokens.Add(new RefreshToken { Hash = HashOf(token), SessionId = session.Id });
        audit.Record(userId, AuditActions.LoggedIn, DetailsOf(session.Id), actorId: userId);
        return new OpenedSession(session.Id, token);
    }

    /// <summary>
    /// Exchanges a refresh token for its successor. A token that is used again is in the hands of two clients, one of them a
    /// thief: the session ends (RFC 9700 section 4.14.2). Within <see cref="AuthOptions.RefreshGrace"/> it is more likely one client
    /// that lost the answer, or two browser tabs: both get the same successor, or the newest token of the family if that is used too,
    /// so a family never branches. The price: a thief within the grace period shares the session until one of the two refreshes later
    /// than that after the other.
    /// </summary>
    /// <returns>Null if the token is unknown or used, or its session has ended.</returns>
    public async Task<RotatedSession?> RotateAsync(string token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hash = HashOf(token);
        var next = SuccessorOf(options.Value.SigningKeySecret, token);
        var nextHash = HashOf(next);
        var expires = now + options.Value.SessionLifetime;
        var longest = options.Value.LongestSession;
        var usedAfter = now - options.Value.RefreshGrace;

        // One statement, so one transaction: of two parallel requests the second waits for the row lock, then finds the token used.
        var rotated = await database.Database.SqlQuery<Rotation>($"""
            WITH used AS (
                UPDATE refresh_tokens SET used_at = {now} FROM sessions JOIN users ON users.id = user_id
                WHERE hash = {hash} AND used_at IS NULL
                    AND sessions.id = session_id AND revoked_at IS NULL AND expires_at > {now} AND disabled_at IS NULL
                RETURNING session_id, user_id, roles),
            child AS (
                INSERT INTO refresh_tokens (hash, session_id) SELECT {nextHash}, session_id FROM used),
            touched AS (
                UPDATE sessions SET last_used_at = {now}, expires_at = LEAST({expires}, created_at + {longest}) FROM used WHERE id = session_id)
            SELECT session_id, user_id, roles FROM used
            """).ToListAsync(cancellationToken);
        if (rotated is [])
        {
            rotated = await database.Database.SqlQuery<Rotation>($"""
                SELECT session_id, user_id, roles
                FROM refresh_tokens JOIN sessions ON sessions.id = session_id JOIN users ON users.id = user_id
                WHERE hash = {hash} AND used_at > {usedAfter} AND revoked_at IS NULL AND expires_at > {now} AND disabled_at IS NULL
                """).ToListAsync(cancellationToken);
            next = rotated is [] ? next : await NewestAsync(token, cancellationToken);
        }

        if (rotated is [var rotation])
        {
            return new RotatedSession(rotation.UserId, rotation.SessionId, rotation.Roles, next);
        }

        if (await EndAsync(
            database.Sessions.Where(session => database.RefreshTokens.Any(
                used => used.Hash == hash && used.UsedAt != null && used.UsedAt <= usedAfter && used.SessionId == session.Id)),
            AuditActions.RefreshTokenReused,
            cancellationToken))
        {
            Reused(logger);
        }

        return null;
    }

    /// <summary>Ends the session of the refresh token, if it belongs to the user.</summary>
    public Task<bool> CloseAsync(Guid userId, string token, CancellationToken cancellationToken)
    {
        var hash = HashOf(token);
        return EndAsync(
            database.Sessions.Where(session => session.UserId == userId
                && database.RefreshTokens.Any(given => given.Hash == hash && given.SessionId == session.Id)),
            AuditActions.LoggedOut,
            cancellationToken);
    }

    /// <summary>Ends the session, if it belongs to the user.</summary>
    /// <returns>False if there is no such open session.</returns>
    public Task<bool> CloseAsync(Guid userId, Guid session, CancellationToken cancellationToken) => EndAsync(
        database.Sessions.Where(owned => owned.UserId == userId && owned.Id == session), AuditActions.SessionEnded, cancellationToken);

    /// <summary>Ends every session of the user, in the caller's transaction, and adds the event to the next save.</summary>
    /// <param name="except">A session to keep.</param>
    public async Task CloseAllAsync(Guid userId, CancellationToken cancellationToken, Guid? except = null)
    {
        var now = time.GetUtcNow();
        var ended = await database.Database.SqlQuery<Guid>($"""
            UPDATE sessions SET revoked_at = {now}
            WHERE user_id = {userId} AND revoked_at IS NULL AND id IS DISTINCT FROM {except}
            RETURNING id AS "Value"
            """).ToListAsync(cancellationToken);
        database.Publish(new UserSignedOut(userId, [.. ended], Everywhere: except is null), now);
    }

    /// <summary>Follows the chain of successors of a used token to the unused one.</summary>
    private async Task<string> NewestAsync(string token, CancellationToken cancellationToken)
    {
        while (true)
        {
            // A replica with another current secret may have made the successor.
            var successors = options.Value.Secrets.All.Select(secret => SuccessorOf(secret, token)).ToArray();
            var hashes = successors.Select(HashOf).ToArray();
            var found = await database.RefreshTokens.AsNoTracking().Where(next => hashes.Contains(next.Hash)).SingleAsync(cancellationToken);
            token = successors.Single(successor => HashOf(successor).SequenceEqual(found.Hash));
            if (found.UsedAt is null)
            {
                return token;
            }
        }
    }

    private async Task<bool> EndAsync(IQueryable<Session> sessions, string action, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var live = sessions.Where(session => session.RevokedAt == null && session.ExpiresAt > now);
        if (await live.Select(session => new { session.Id, session.UserId }).SingleOrDefaultAsync(cancellationToken) is not { } found)
        {
            return false;
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await live.ExecuteUpdateAsync(set => set.SetProperty(session => session.RevokedAt, now), cancellationToken) == 0)
        {
            return false;
        }

        audit.Record(found.UserId, action, DetailsOf(found.Id));
        database.Publish(new UserSignedOut(found.UserId, [found.Id], Everywhere: false), now);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>An HMAC of the token, so that any replica can return the same successor without storing it.</summary>
    private static string SuccessorOf(string secret, string token) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(DerivedKey.Of(secret, DerivedKey.RefreshTokens), Encoding.UTF8.GetBytes(token)));

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private static Dictionary<string, string> DetailsOf(Guid session) => new() { ["session_id"] = session.ToString() };

    private sealed record Rotation(Guid SessionId, Guid UserId, string[] Roles);

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "Refresh token used a second time; ended its session")]
    private static partial void Reused(ILogger logger);
}

internal sealed record OpenedSession(Guid Id, string RefreshToken);

internal sealed record RotatedSession(Guid UserId, Guid SessionId, string[] Roles, string RefreshToken);
