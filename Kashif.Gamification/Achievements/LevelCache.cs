using Kashif.Gamification.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Achievements;

/// <summary>Keeps the levels in memory.</summary>
internal sealed class LevelCache(IServiceScopeFactory scopes, TimeProvider time)
{
    /// <summary>How long a change may take to reach every replica.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private volatile Snapshot? _snapshot;

    /// <summary>Reads them again at the next request: for the replica that has changed them.</summary>
    public void Clear() => _snapshot = null;

    public async ValueTask<LevelTable> GetAsync(CancellationToken cancellationToken)
    {
        if (_snapshot is { } current && time.GetElapsedTime(current.ReadAt) < Lifetime)
        {
            return current.Table;
        }

        // No lock: concurrent requests may each read the few rows.
        var readAt = time.GetTimestamp();
        await using var scope = scopes.CreateAsyncScope();
        var thresholds = await scope.ServiceProvider.GetRequiredService<GamificationDbContext>().Levels
            .OrderBy(level => level.Number).Select(level => level.Threshold).ToArrayAsync(cancellationToken);
        return (_snapshot = new Snapshot(new LevelTable(thresholds), readAt)).Table;
    }

    private sealed record Snapshot(LevelTable Table, long ReadAt);
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
