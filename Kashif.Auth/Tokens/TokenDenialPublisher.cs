using Kashif.Auth.Data;
using Kashif.Cache;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>
/// Writes <see cref="TokenDenials"/> to Redis from the database alone, so that no crash between a commit and a write loses an entry.
/// Replicas write the same; the next round replaces an older list that was written later.
/// </summary>
internal sealed partial class TokenDenialPublisher(
    IServiceScopeFactory scopes, RedisCircuit redis, IOptions<AuthOptions> options, TimeProvider time, ILogger<TokenDenialPublisher> logger) : BackgroundService
{
    /// <summary>Bounds the list.</summary>
    private const int MaxSessions = 20_000;

    /// <summary>Bounds what one user can add by signing in and out, so that an attack does not push the entries of others out.</summary>
    private const int MaxSessionsPerUser = 100;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TokenDenials.Interval);
        do
        {
            try
            {
                if (redis.IsClosed)
                {
                    await PublishAsync(stoppingToken);
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(logger, exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        var lifetime = options.Value.LongestTokenUse;
        var since = time.GetUtcNow() - lifetime;
        var sessions = await database.Database.SqlQuery<Guid>($"""
            SELECT id AS "Value" FROM (
                SELECT id, revoked_at, row_number() OVER (PARTITION BY user_id ORDER BY revoked_at DESC) AS nth FROM sessions WHERE revoked_at > {since}
            ) ended WHERE nth <= {MaxSessionsPerUser} ORDER BY revoked_at DESC LIMIT {MaxSessions}
            """).ToListAsync(cancellationToken);
        if (sessions.Count == MaxSessions)
        {
            Full(logger, MaxSessions);
        }

        var roles = await database.Users.Where(user => user.AccessChangedAt > since)
            .Select(user => new { user.Id, user.Roles, user.DisabledAt })
            .ToDictionaryAsync(user => user.Id, user => user.DisabledAt is null ? user.Roles : [], cancellationToken);
        foreach (var deleted in await database.Deletions.Where(deletion => deletion.CompletedAt == null)
            .Select(deletion => deletion.UserId).ToListAsync(cancellationToken))
        {
            roles[deleted] = [];
        }

        await new TokenDenials([.. sessions], roles).WriteAsync(redis, lifetime, cancellationToken);
    }

    [LoggerMessage(EventId = 2104, Level = LogLevel.Warning, Message = "More than {Count} sessions ended lately; access tokens of the others live until they expire")]
    private static partial void Full(ILogger logger, int count);

    [LoggerMessage(EventId = 2103, Level = LogLevel.Warning, Message = "Could not publish the tokens to refuse; retrying in two seconds")]
    private static partial void Failed(ILogger logger, Exception exception);
}
