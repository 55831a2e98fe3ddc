using System.Collections.Frozen;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Promises;

/// <summary>Caches the measured times as long as the categories, because creating a report looks one up.</summary>
internal sealed class PromisedTimes(IServiceScopeFactory scopes, TimeProvider time) : IPromisedTimes
{
    private Snapshot? _snapshot;

    public async ValueTask<TimeSpan?> TimeToResolveAsync(string category, Guid? areaId, CancellationToken cancellationToken)
    {
        var hours = (await GetAsync(cancellationToken)).Hours;
        return hours.TryGetValue((category, areaId ?? Promise.AllAreas), out var here) || hours.TryGetValue((category, Promise.AllAreas), out here)
            ? Promise.TimeOf(here)
            : null;
    }

    private async ValueTask<Snapshot> GetAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_snapshot is { } current && now < current.Expires)
        {
            return current;
        }

        // No lock: concurrent requests may each read the rows, and the last snapshot wins.
        await using var scope = scopes.CreateAsyncScope();
        var rows = await scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Promises.AsNoTracking()
            .Select(row => new { row.Category, row.AreaId, row.Hours }).ToListAsync(cancellationToken);
        return _snapshot = new Snapshot(rows.ToFrozenDictionary(row => (row.Category, row.AreaId), row => row.Hours), now + CategoryCache.Lifetime);
    }

    private sealed record Snapshot(FrozenDictionary<(string Category, Guid AreaId), double> Hours, DateTimeOffset Expires);
}
