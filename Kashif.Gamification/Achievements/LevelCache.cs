using Kashif.Cache;
using Kashif.Gamification.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Achievements;

/// <summary>Keeps the levels in memory.</summary>
internal sealed class LevelCache(IServiceScopeFactory scopes, TimeProvider time)
{
    /// <summary>How long a change may take to reach every replica.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private readonly SnapshotCache<LevelTable> _levels = new(scopes, time, Lifetime, async (services, cancellationToken) =>
        new LevelTable(await services.GetRequiredService<GamificationDbContext>().Levels
            .OrderBy(level => level.Number).Select(level => level.Threshold).ToArrayAsync(cancellationToken)));

    /// <inheritdoc cref="SnapshotCache{TSnapshot}.Forget"/>
    public void Forget() => _levels.Forget();

    public ValueTask<LevelTable> GetAsync(CancellationToken cancellationToken) => _levels.GetAsync(cancellationToken);
}

/// <param name="thresholds">The points at which each level begins, from level 1.</param>
internal sealed class LevelTable(long[] thresholds)
{
    /// <param name="kept">The points that the user has earned and kept.</param>
    public int Of(long kept)
    {
        var index = Array.BinarySearch(thresholds, Math.Max(kept, 0));
        return index >= 0 ? index + 1 : ~index;
    }
}
