using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Agencies;

/// <summary>
/// Finds the area of a place, and the agency that is responsible for a category there. A border belongs to both of its areas. An area that names the
/// category comes before one for all categories, then the smaller one, then the older one.
/// </summary>
internal sealed class AgencyRouting(IServiceScopeFactory scopes) : IReportRouting
{
    public async ValueTask<ReportRoute> RouteAsync(string category, double latitude, double longitude, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var place = new Point(longitude, latitude) { SRID = 4326 };
        var areas = await scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Areas.AsNoTracking()
            .Where(area => area.Boundary.Covers(place))
            .OrderBy(area => area.SquareMetres).ThenBy(area => area.Id)
            .Select(area => new { area.Id, area.AgencyId, area.Categories })
            .ToListAsync(cancellationToken);
        var responsible = areas.Where(area => area.AgencyId is not null);
        return new ReportRoute(
            areas.FirstOrDefault()?.Id,
            (responsible.FirstOrDefault(area => area.Categories.Contains(category)) ?? responsible.FirstOrDefault(area => area.Categories.Length == 0))?.AgencyId);
    }
}
