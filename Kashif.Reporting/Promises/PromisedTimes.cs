using System.Collections.Frozen;
using Kashif.Cache;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Promises;

/// <summary>Caches the measured times as long as the categories, because creating a report looks one up.</summary>
internal sealed class PromisedTimes(IServiceScopeFactory scopes, TimeProvider time) : IPromisedTimes
{
    private readonly SnapshotCache<FrozenDictionary<(string Category, Guid AreaId), double>> _hours = new(scopes, time, CategoryCache.Lifetime, async (services, cancellationToken) =>
        (await services.GetRequiredService<ReportingDbContext>().Promises.AsNoTracking()
            .Select(row => new { row.Category, row.AreaId, row.Hours }).ToListAsync(cancellationToken)).ToFrozenDictionary(row => (row.Category, row.AreaId), row => row.Hours));

    public async ValueTask<TimeSpan?> TimeToResolveAsync(string category, Guid? areaId, CancellationToken cancellationToken)
    {
        var hours = await _hours.GetAsync(cancellationToken);
        return hours.TryGetValue((category, areaId ?? Promise.AllAreas), out var here) || hours.TryGetValue((category, Promise.AllAreas), out here)
            ? Promise.TimeOf(here)
            : null;
    }
}
