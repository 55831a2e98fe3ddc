namespace Kashif.Reporting.Reports;

/// <summary>
/// A point on the earth as the unit vector to it, which is how PostgreSQL's <c>cube</c> holds it, and distances as chords of the
/// unit sphere: straight lines through the earth grow with the great circles above them, so the index can compare and sort by
/// them, and neither the antimeridian nor the poles are special.
/// </summary>
/// <remarks>
/// This is what the <c>earthdistance</c> extension does (https://www.postgresql.org/docs/current/earthdistance.html), without
/// it: an index on its functions cannot be restored from a dump (seen on PostgreSQL 15), only a superuser may install it, and its earth
/// has the equator's radius. The mean radius is never more than 0.6 % off the ellipsoid.
/// </remarks>
internal static class Globe
{
    /// <summary>The mean radius of the earth (IUGG), in kilometres.</summary>
    public const double RadiusKm = 6371.0088;

    /// <summary>Half of the equator, in kilometres: no two points are further apart.</summary>
    public const double MaxDistanceKm = 20037.5;

    /// <summary>The column <c>position</c>, in SQL; <see cref="Vector"/> computes the same.</summary>
    public const string PositionSql =
        "cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)), cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))])";

    public static double[] Vector(double latitude, double longitude)
    {
        var (sinLatitude, cosLatitude) = Math.SinCos(double.DegreesToRadians(latitude));
        var (sinLongitude, cosLongitude) = Math.SinCos(double.DegreesToRadians(longitude));
        return [cosLatitude * cosLongitude, cosLatitude * sinLongitude, sinLatitude];
    }

    /// <summary>From kilometres along a great circle.</summary>
    public static double Chord(double km) => 2 * Math.Sin(Math.Min(km / (2 * RadiusKm), Math.PI / 2));

    /// <summary>To kilometres along a great circle, to the metre.</summary>
    public static double Kilometres(double chord) => Math.Round(2 * RadiusKm * Math.Asin(Math.Min(chord / 2, 1)), 3);
}
