using System.Globalization;
using Kashif.Messaging.Geography;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Reports;

/// <summary>How much of a cell is in an area.</summary>
internal enum Overlap
{
    None,
    Some,
    All,
}

/// <summary>A part of the earth to list the reports of.</summary>
internal abstract record Area
{
    /// <summary>May say <see cref="Overlap.Some"/> for a cell that only comes near, or that is just inside.</summary>
    public abstract Overlap OverlapOf(Cell cell);

    public abstract bool Contains(Place place);

    /// <summary>The same as <see cref="Contains"/>, for a row of the table. The two agree to five parts in 10⁹.</summary>
    public abstract string Sql(SqlParameters sql);
}

/// <summary>A circle on the earth.</summary>
internal sealed record Circle(Place Centre, double RadiusKm) : Area
{
    /// <summary>Half the equator: the greatest distance of two points.</summary>
    public const double MaxRadiusKm = 20037.5;

    public override Overlap OverlapOf(Cell cell)
    {
        // Most cells of a row are told by their latitude, without the arithmetic below.
        var degrees = double.RadiansToDegrees(RadiusKm / GreatCircle.EarthKm) + 1e-6;
        if (cell.South > Centre.Latitude + degrees || cell.North < Centre.Latitude - degrees)
        {
            return Overlap.None;
        }

        var (least, most) = cell.DistanceFrom(Centre);
        return least > RadiusKm * 1000 ? Overlap.None : most <= RadiusKm * 1000 ? Overlap.All : Overlap.Some;
    }

    public override bool Contains(Place place) => Centre.MetresTo(place) <= RadiusKm * 1000;

    public override string Sql(SqlParameters sql) => $"ST_DWithin(location, {Centre.Sql(sql)}, {sql.Add(RadiusKm * 1000)}, false)";
}

/// <summary>A box between two lines of latitude and two of longitude, in degrees. Its borders belong to it.</summary>
/// <param name="West">East of <paramref name="East"/> if the box crosses the antimeridian.</param>
internal sealed record BoundingBox(double West, double South, double East, double North) : Area
{
    /// <summary>More than the borders of cells are off by, in degrees.</summary>
    private const double Slack = 1e-9;

    public const string Invalid = "Must be west,south,east,north in degrees, such as 36.2,33.4,36.4,33.6.";

    /// <summary>The box as one or two that do not cross the antimeridian.</summary>
    public IEnumerable<(double West, double East)> Longitudes => West <= East ? [(West, East)] : [(West, 180), (-180, East)];

    /// <summary>Reads <c>west,south,east,north</c>.</summary>
    public static BoundingBox? Parse(string text)
    {
        var parts = text.Split(',');
        var degrees = new double[4];
        if (parts.Length != degrees.Length)
        {
            return null;
        }

        for (var index = 0; index < degrees.Length; index++)
        {
            if (!double.TryParse(parts[index], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out degrees[index])
                || !(Math.Abs(degrees[index]) <= (index % 2 == 0 ? 180 : 90)))
            {
                return null;
            }
        }

        return degrees[1] <= degrees[3] ? new BoundingBox(degrees[0], degrees[1], degrees[2], degrees[3]) : null;
    }

    public static double Wrap(double longitude) => longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude;

    public override Overlap OverlapOf(Cell cell)
    {
        var isTouched = cell.South <= North + Slack && cell.North >= South - Slack
            && Longitudes.Any(part => (cell.West <= part.East + Slack && cell.East >= part.West - Slack)
                || (cell.Column == 0 && part.East >= 180) // 180° is in the first column, as -180° is, and both are one line
                || (cell.East >= 180 - Slack && part.West <= -180));
        return !isTouched ? Overlap.None
            : cell.South - Slack >= South && cell.North + Slack <= North && Longitudes.Any(part => cell.West - Slack >= part.West && cell.East + Slack <= part.East) ? Overlap.All
            : Overlap.Some;
    }

    public override bool Contains(Place place)
    {
        var longitude = place.Longitude;
        return place.Latitude >= South && place.Latitude <= North
            && ((West <= East ? longitude >= West && longitude <= East : longitude >= West || longitude <= East)
                || ((West <= -180 || East >= 180) && Math.Abs(longitude) >= 180)); // the antimeridian is both 180° and -180°
    }

    public override string Sql(SqlParameters sql)
    {
        var longitudes = string.Join(" OR ", Longitudes.Select(part => $"longitude BETWEEN {sql.Add(part.West)} AND {sql.Add(part.East)}"));

        // The antimeridian is both 180° and -180°.
        var antimeridian = Longitudes.Any(part => part.East >= 180 || part.West <= -180) ? " OR longitude IN (-180, 180)" : "";
        return $"(latitude BETWEEN {sql.Add(South)} AND {sql.Add(North)} AND ({longitudes}{antimeridian}))";
    }
}

/// <summary>A point to measure distances from.</summary>
internal readonly record struct Place(double Latitude, double Longitude)
{
    /// <summary>As a value of the column <c>location</c>, for EF's queries.</summary>
    public Point ToPoint() => new(Longitude, Latitude) { SRID = 4326 };

    public double MetresTo(Place other) => GreatCircle.DistanceKm(Latitude, Longitude, other.Latitude, other.Longitude) * 1000;

    public string Sql(SqlParameters sql) => $"ST_SetSRID(ST_MakePoint({sql.Add(Longitude)}, {sql.Add(Latitude)}), 4326)::geography";
}

/// <summary>Several areas: what is in all of them.</summary>
internal sealed class Areas(IReadOnlyList<Area> parts)
{
    public Overlap OverlapOf(Cell cell)
    {
        var least = Overlap.All;
        foreach (var part in parts)
        {
            var overlap = part.OverlapOf(cell);
            least = overlap < least ? overlap : least;
        }

        return least;
    }

    public bool Contains(Place place)
    {
        foreach (var part in parts)
        {
            if (!part.Contains(place))
            {
                return false;
            }
        }

        return true;
    }

    public string Sql(SqlParameters sql) => string.Join(" AND ", parts.Select(part => part.Sql(sql)));
}
