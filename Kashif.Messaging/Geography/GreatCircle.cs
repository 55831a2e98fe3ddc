namespace Kashif.Messaging.Geography;

/// <summary>Distances on the earth's surface.</summary>
public static class GreatCircle
{
    /// <summary>The mean radius of the earth in kilometres (IUGG).</summary>
    public const double EarthKm = 6371.0088;

    /// <summary>The distance in kilometres, by the haversine formula.</summary>
    /// <param name="latitude">In degrees (WGS 84), as are the others.</param>
    public static double DistanceKm(double latitude, double longitude, double otherLatitude, double otherLongitude)
    {
        var latitudes = Math.Sin(double.DegreesToRadians(otherLatitude - latitude) / 2);
        var longitudes = Math.Sin(double.DegreesToRadians(otherLongitude - longitude) / 2);
        var haversine = (latitudes * latitudes)
            + (Math.Cos(double.DegreesToRadians(latitude)) * Math.Cos(double.DegreesToRadians(otherLatitude)) * longitudes * longitudes);
        return 2 * EarthKm * Math.Asin(Math.Min(1, Math.Sqrt(haversine)));
    }
}
