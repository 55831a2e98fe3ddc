using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Leaderboard;

/// <summary>Requests a rebuild of the ranking. Set at start.</summary>
internal sealed class RankingSignal() : WakeSignal(isSet: true);

/// <summary>Rebuilds the ranking from the database at start, after a reconnection to Redis, and when it is incomplete. Retries until it succeeds.</summary>
internal sealed partial class RankingRebuild(
    IServiceScopeFactory scopes, RankingCache ranking, RankingSignal signal, TimeProvider time, ILogger<RankingRebuild> logger) : BackgroundService
{
    /// <summary>The pause between attempts.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await signal.WaitAsync(stoppingToken);
            for (var isFirst = true; !await TryRebuildAsync(isFirst, stoppingToken); isFirst = false)
            {
                await Task.Delay(Pause, time, stoppingToken);
            }
        }
    }

    private async Task<bool> TryRebuildAsync(bool isFirst, CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
            var balances = database.Balances.AsNoTracking().Where(balance => balance.UserId != ErasedUser.Id).AsAsyncEnumerable();
            return await ranking.RebuildAsync(balances, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            if (isFirst)
            {
                RebuildFailed(logger, exception.Message);
            }

            return false;
        }
    }

    [LoggerMessage(EventId = 3004, Level = LogLevel.Warning, Message = "Could not rebuild the ranking; retrying, and reading from the database until then: {Reason}")]
    private static partial void RebuildFailed(ILogger logger, string reason);
}
