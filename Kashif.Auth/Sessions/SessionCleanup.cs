using Kashif.Auth.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Sessions;

/// <summary>
/// Deletes sessions whose access tokens have expired too, because the list of refused tokens is made of these rows, and used refresh
/// tokens too old to detect a theft.
/// </summary>
internal sealed class SessionCleanup(
    IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<SessionCleanup> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<AuthDbContext>();
        var now = _time.GetUtcNow();
        var usedBefore = now - options.Value.SessionLifetime;
        var expiredBefore = now - options.Value.LongestTokenUse;
        await database.Sessions.Where(session => session.ExpiresAt < expiredBefore).ExecuteDeleteAsync(cancellationToken);
        await database.RefreshTokens.Where(token => token.UsedAt < usedBefore).ExecuteDeleteAsync(cancellationToken);
    }
}
