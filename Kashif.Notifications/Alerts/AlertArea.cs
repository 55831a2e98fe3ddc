
namespace Kashif.Notifications.Alerts;

/// <summary>
/// The places around which reports fire alerts. An alert's column <c>area</c> is a box in space around the part of the unit sphere that its radius
/// covers, as PostgreSQL's <c>cube</c> under a GiST index: the antimeridian and the poles need no special case. The box is larger than the
/// circle, so the haversine formula decides.
/// </summary>
internal static class AlertArea
{
    public const double MinRadiusKm = 0.1;
    public const double MaxRadiusKm = 50;

    /// <summary>The SQL of the generated column: a chord of the unit sphere for the radius, and a little more for rounding.</summary>
    public const string Sql = "CASE WHEN radius_km IS NOT NULL THEN cube_enlarge(" + PointSql + ", 2 * sin(radius_km / (2 * 6371.0088)) + 1e-9, 3) END";

    /// <summary>The SQL of a point of the unit sphere, from the columns <c>latitude</c> and <c>longitude</c>.</summary>
    private const string PointSql =
        "cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)), cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))])";
}
