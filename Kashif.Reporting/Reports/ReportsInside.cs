using Kashif.Messaging.Geography;

namespace Kashif.Reporting.Reports;

/// <summary>A box of degrees as a filter of EF's queries; <see cref="BoundingBox.Sql"/> is the same for hand-written SQL.</summary>
internal static class ReportsInside
{
    /// <summary>The greatest box, in degrees, whose reports the index of places finds faster than a scan of the table.</summary>
    private const double Indexed = 5;

    /// <summary>Only reports in the box. 180° and -180° are the same line.</summary>
    public static IQueryable<Report> Inside(this IQueryable<Report> reports, BoundingBox box)
    {
        var (west, south, east, north) = box;
        var width = box.Longitudes.Sum(part => part.East - part.West);
        if (width <= Indexed && north - south <= Indexed)
        {
            // The circle around the box, for the index; the degrees below are exact. It is a little greater, because the earth is no sphere.
            var (latitude, longitude) = ((south + north) / 2, BoundingBox.Wrap(west + (width / 2)));
            var km = Math.Max(GreatCircle.DistanceKm(latitude, longitude, south, west), GreatCircle.DistanceKm(latitude, longitude, north, west));
            var (centre, radius) = (new Place(latitude, longitude).ToPoint(), (1010 * km) + 10);
            reports = reports.Where(report => report.Location != null && report.Location.IsWithinDistance(centre, radius));
        }

        reports = reports.Where(report => report.Latitude >= south && report.Latitude <= north);
        var isAtAntimeridian = box.Longitudes.Any(part => part.East >= 180 || part.West <= -180);
        return west <= east
            ? reports.Where(report => (report.Longitude >= west && report.Longitude <= east) || (isAtAntimeridian && Math.Abs(report.Longitude) >= 180))
            : reports.Where(report => report.Longitude >= west || report.Longitude <= east);
    }
}
