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
    /// <summary>Bounds the list. Users who end more sessions than that within the lifetime of a token do not exist outside of an attack.</summary>
    private const int MaxSessions = 20_000;

    /// <summary>For clock differences between machines.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

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
        var lifetime = options.Value.LongestTokenLifetime + Margin;
        var since = time.GetUtcNow() - lifetime;
        var sessions = await database.Sessions
            .Where(session => session.RevokedAt > since).OrderByDescending(session => session.RevokedAt).Take(MaxSessions)
            .Select(session => session.Id).ToListAsync(cancellationToken);
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

    [LoggerMessage(EventId = 2103, Level = LogLevel.Warning, Message = "Could not publish the tokens to refuse; retrying in two seconds")]
    private static partial void Failed(ILogger logger, Exception exception);
}
