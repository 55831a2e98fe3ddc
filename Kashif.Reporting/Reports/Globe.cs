namespace Kashif.Reporting.Reports;

/// <summary>
/// Represents points on the earth as unit vectors, as PostgreSQL's <c>cube</c> stores them, and distances as chords of the unit
/// sphere. Chords sort like great-circle distances, so the index can compare and sort by them, and the antimeridian and the poles
/// need no special case.
/// </summary>
/// <remarks>
/// Same method as the <c>earthdistance</c> extension (https://www.postgresql.org/docs/current/earthdistance.html), which is not
/// used because an index on its functions cannot be restored from a dump (seen on PostgreSQL 15), only a superuser can install it,
/// and it uses the equator's radius. The mean radius is at most 0.6 % off the ellipsoid.
/// </remarks>
internal static class Globe
{
    /// <summary>The mean radius of the earth (IUGG), in kilometres.</summary>
    public const double RadiusKm = 6371.0088;

    /// <summary>Half the equator, in kilometres: the greatest distance of two points.</summary>
    public const double MaxDistanceKm = 20037.5;

    /// <summary>The chord of <see cref="MaxDistanceKm"/>, with room for the rounding of PostgreSQL's.</summary>
    public const double MaxChord = 2 + 1e-9;

    /// <summary>The SQL of the column <c>position</c>; computes the same as <see cref="Vector"/>.</summary>
    public const string PositionSql =
        "cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)), cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))])";

    public static double[] Vector(double latitude, double longitude)
    {
        var (sinLatitude, cosLatitude) = Math.SinCos(double.DegreesToRadians(latitude));
        var (sinLongitude, cosLongitude) = Math.SinCos(double.DegreesToRadians(longitude));
        return [cosLatitude * cosLongitude, cosLatitude * sinLongitude, sinLatitude];
    }

    /// <summary>Converts great-circle kilometres to a chord.</summary>
    public static double Chord(double km) => 2 * Math.Sin(Math.Min(km / (2 * RadiusKm), Math.PI / 2));

    /// <summary>Converts a chord to great-circle kilometres, rounded to the metre.</summary>
    public static double Kilometres(double chord) => Math.Round(2 * RadiusKm * Math.Asin(Math.Min(chord / 2, 1)), 3);
}
