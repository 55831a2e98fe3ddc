using Kashif.Gamification.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Leaderboard;

/// <summary>Deletes the totals of past months and weeks.</summary>
internal sealed class PeriodCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<PeriodCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<GamificationDbContext>();
        foreach (var period in Periods.Calendar)
        {
            var start = period.StartOf(_time.GetUtcNow());
            await database.PeriodTotals.Where(total => total.Period == period && total.StartsOn < start).ExecuteDeleteAsync(cancellationToken);
        }
    }
}
