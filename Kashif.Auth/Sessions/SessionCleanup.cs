using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Sessions;

/// <summary>Once an hour forgets sessions and links that are over, and used tokens too old to say anything about a theft.</summary>
internal sealed partial class SessionCleanup(
    IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<SessionCleanup> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await CleanAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                CleanupFailed(logger, exception);
            }
        }
    }

    internal async Task CleanAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        var now = time.GetUtcNow();
        var usedBefore = now - options.Value.SessionLifetime;
        await database.Sessions.Where(session => session.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
        await database.RefreshTokens.Where(token => token.UsedAt < usedBefore).ExecuteDeleteAsync(cancellationToken);
        await database.EmailTokens.Where(token => token.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
    }

    [LoggerMessage(EventId = 2202, Level = LogLevel.Warning, Message = "Sessions that are over could not be deleted; tried again in an hour")]
    private static partial void CleanupFailed(ILogger logger, Exception exception);
}
