namespace Kashif.Reporting.Reports;

/// <summary>Distances on the sphere that PostGIS uses for a <c>geography</c> with <c>use_spheroid = false</c>: at most 0.6 % off the ellipsoid.</summary>
internal static class Earth
{
    /// <summary>The mean radius of the earth (IUGG), in kilometres.</summary>
    public const double RadiusKm = 6371.0088;

    /// <summary>Half the equator, in kilometres: the greatest distance of two points.</summary>
    public const double MaxDistanceKm = 20037.5;

    /// <summary>The great-circle distance (haversine).</summary>
    public static double DistanceKm(double latitude1, double longitude1, double latitude2, double longitude2)
    {
        var (phi1, phi2) = (double.DegreesToRadians(latitude1), double.DegreesToRadians(latitude2));
        var north = Math.Sin((phi2 - phi1) / 2);
        var east = Math.Sin(double.DegreesToRadians(longitude2 - longitude1) / 2);
        return 2 * RadiusKm * Math.Asin(Math.Sqrt(Math.Min(1, (north * north) + (Math.Cos(phi1) * Math.Cos(phi2) * east * east))));
    }
}
