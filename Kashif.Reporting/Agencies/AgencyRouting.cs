using System.Text.Json;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using NetTopologySuite.Algorithm.Locate;
using NetTopologySuite.Geometries;
using NetTopologySuite.Index.Strtree;

namespace Kashif.Reporting.Agencies;

/// <summary>
/// Finds the area of a place, and the agency that is responsible for a category there, in memory: a new report needs no query. The areas are compared with the
/// database after <see cref="Lifetime"/>, and only boundaries that have changed are read again.
/// </summary>
internal sealed class AgencyRouting(IServiceScopeFactory scopes, TimeProvider time) : IReportRouting
{
    /// <summary>How long a change of areas may take to reach every replica.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private AreaMap _map = AreaMap.Empty;
    private DateTimeOffset _expires = DateTimeOffset.MinValue;
    private Task<AreaMap>? _reading;

    public async ValueTask<ReportRoute> RouteAsync(string category, double latitude, double longitude, CancellationToken cancellationToken) =>
        (await MapAsync(cancellationToken)).Route(category, latitude, longitude);

    /// <summary>The areas, at most as old as <see cref="Lifetime"/>.</summary>
    public ValueTask<AreaMap> MapAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return time.GetUtcNow() < _expires ? new(_map) : new((_reading ??= ReadAsync()).WaitAsync(cancellationToken));
        }
    }

    /// <summary>Forgets the areas after a change of them, in this process.</summary>
    public void Expire()
    {
        lock (_lock)
        {
            // A read that has begun may not see the change.
            (_expires, _reading) = (DateTimeOffset.MinValue, null);
        }
    }

    /// <summary>The areas that the transaction sees.</summary>
    public Task<AreaMap> ReadAsync(ReportingDbContext database, CancellationToken cancellationToken) => _map.UpdateAsync(database, cancellationToken);

    /// <summary>All waiting requests share one read. A request that is cancelled does not cancel it.</summary>
    private async Task<AreaMap> ReadAsync()
    {
        await Task.Yield(); // the caller holds the lock
        var began = time.GetUtcNow();
        Task<AreaMap>? own;
        lock (_lock)
        {
            own = _reading;
        }

        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var map = await ReadAsync(scope.ServiceProvider.GetRequiredService<ReportingDbContext>(), CancellationToken.None);
            lock (_lock)
            {
                if (_reading == own)
                {
                    (_map, _expires) = (map, began + Lifetime);
                }
            }

            return map;
        }
        finally
        {
            lock (_lock)
            {
                _reading = _reading == own ? null : _reading;
            }
        }
    }
}

/// <summary>All areas with an index of their boundaries. Immutable.</summary>
internal sealed class AreaMap
{
    private readonly Dictionary<Guid, Entry> _areas;
    private readonly Dictionary<Guid, JsonElement> _agencies;
    private readonly STRtree<Entry>? _index;

    private AreaMap(Dictionary<Guid, Entry> areas, Dictionary<Guid, JsonElement> agencies)
    {
        (_areas, _agencies) = (areas, agencies);
        if (areas.Count > 0)
        {
            _index = new STRtree<Entry>();
            foreach (var entry in areas.Values)
            {
                _index.Insert(entry.Area.Boundary.EnvelopeInternal, entry);
            }

            _index.Build(); // else the first query does, and two could meet
        }
    }

    public static AreaMap Empty { get; } = new([], []);

    public static AreaMap Of(IEnumerable<CityArea> areas) => new(areas.ToDictionary(area => area.Id, area => new Entry(area)), []);

    /// <summary>The name of an area; null if there is none.</summary>
    public Name? NameOf(Guid area) => _areas.TryGetValue(area, out var entry) ? new Name(entry.Area.NameEn, entry.Area.NameAr) : null;

    /// <summary>What a report's history tells of an agency.</summary>
    private JsonElement? Details(Guid? agency) => agency is null ? RoutedTo.None : _agencies.TryGetValue(agency.Value, out var details) ? details : null;

    /// <summary>
    /// A border belongs to both of its areas. An area that names the category comes before one for all categories, then the smaller one, then the older one.
    /// </summary>
    public ReportRoute Route(string category, double latitude, double longitude)
    {
        if (_index is null)
        {
            return new ReportRoute(null, null, RoutedTo.None);
        }

        var areas = Holding(latitude, longitude).ToList();
        var responsible = areas.Where(area => area.AgencyId is not null);
        var agency = (responsible.FirstOrDefault(area => area.Categories.Contains(category)) ?? responsible.FirstOrDefault(area => area.Categories.Length == 0))?.AgencyId;
        return new ReportRoute(areas.FirstOrDefault()?.Id, agency, Details(agency));
    }

    /// <summary>The route after a change of areas: a report that is closed, or that staff routed by hand, keeps its agency.</summary>
    public ReportRoute RouteOf(Report report) => Route(report.Category, report.Latitude, report.Longitude) is var route && report.Status.IsOpen() && !report.RoutedByHand
        ? route
        : route with { AgencyId = report.AgencyId, Details = null };

    /// <summary>The areas that hold a place, the smallest first. A place on the antimeridian has both longitudes, a pole has all.</summary>
    public IEnumerable<CityArea> Holding(double latitude, double longitude)
    {
        double[] longitudes = Math.Abs(longitude) == 180 ? [-180, 180] : [longitude];
        var bounds = Math.Abs(latitude) == 90 ? new Envelope(-180, 180, latitude, latitude) : new Envelope(longitudes[0], longitudes[^1], latitude, latitude);
        return _index?.Query(bounds)
            .Where(entry => Math.Abs(latitude) == 90 || longitudes.Any(east => entry.Locator.Locate(new Coordinate(east, latitude)) is not Location.Exterior))
            .Select(entry => entry.Area).OrderBy(area => area.SquareMetres).ThenBy(area => area.Id) ?? Enumerable.Empty<CityArea>();
    }

    /// <summary>Reads what has changed since this map.</summary>
    public async Task<AreaMap> UpdateAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        var versions = await database.Areas.Select(area => new { area.Id, area.Version }).ToListAsync(cancellationToken);
        var agencies = await database.Agencies.Select(agency => new { agency.Id, agency.NameEn, agency.NameAr }).ToListAsync(cancellationToken);
        var changed = versions.Where(area => !_areas.TryGetValue(area.Id, out var known) || known.Area.Version != area.Version).Select(area => area.Id).ToArray();
        var areas = changed.Length == 0 ? [] : await database.Areas.AsNoTracking().Where(area => changed.Contains(area.Id)).ToDictionaryAsync(area => area.Id, cancellationToken);
        var next = versions.Select(area => areas.TryGetValue(area.Id, out var read) ? new Entry(read) : _areas.GetValueOrDefault(area.Id)).OfType<Entry>()
            .ToDictionary(entry => entry.Area.Id);
        return new AreaMap(next, agencies.ToDictionary(agency => agency.Id, agency => RoutedTo.Details(agency.Id, agency.NameEn, agency.NameAr)));
    }

    private sealed class Entry
    {
        public Entry(CityArea area)
        {
            (Area, Locator) = (area, new IndexedPointInAreaLocator(area.Boundary));
            Locator.Locate(new Coordinate(0, 0)); // builds its index now: the first use by two threads could meet
        }

        public CityArea Area { get; }
        public IndexedPointInAreaLocator Locator { get; }
    }
}

/// <summary>The details of a history entry about a report's agency.</summary>
/// <param name="Agency">The new agency; null for none.</param>
internal sealed record RoutedTo(RoutedAgency? Agency)
{
    public static JsonElement None { get; } = JsonSerializer.SerializeToElement(new RoutedTo(Agency: null), ReportingJson.Default.RoutedTo);

    public static JsonElement Details(Guid id, string nameEn, string nameAr) =>
        JsonSerializer.SerializeToElement(new RoutedTo(new RoutedAgency(id, new Name(nameEn, nameAr))), ReportingJson.Default.RoutedTo);
}

/// <param name="Name">As it was then.</param>
internal sealed record RoutedAgency(Guid Id, Name Name);
