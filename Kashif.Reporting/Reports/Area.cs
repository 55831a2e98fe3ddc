using System.Globalization;
using Kashif.Messaging.Geography;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Reports;

/// <summary>A part of the earth to list the reports of.</summary>
internal abstract record Area
{
    /// <summary>The lines of latitude and longitude around it. <see cref="BoundingBox.West"/> may be east of <see cref="BoundingBox.East"/>, across the antimeridian.</summary>
    public abstract BoundingBox Bounds { get; }

    /// <summary>May say yes for a cell that only comes near, never no for one that the area touches.</summary>
    public abstract bool MayTouch(Cell cell);

    public abstract bool Contains(Place place);

    /// <summary>The same as <see cref="Contains"/>, for a row of the table. The two agree to a tenth of a millimetre.</summary>
    public abstract string Sql(SqlParameters sql);
}

/// <summary>A circle.</summary>
/// <param name="Centre">A point of the table's type.</param>
internal sealed record Circle(Place Centre, double RadiusKm) : Area
{
    /// <summary>Half the equator: the greatest distance of two points.</summary>
    public const double MaxRadiusKm = 20037.5;

    /// <summary>More than the arithmetic of this class, and PostGIS' radius of the earth, are off by.</summary>
    private double SlackKm => 1e-5 + (RadiusKm * 1e-8);

    public override BoundingBox Bounds
    {
        get
        {
            var angle = (RadiusKm + SlackKm) / GreatCircle.EarthKm;
            var degrees = double.RadiansToDegrees(angle);
            var (south, north) = (Math.Max(-90, Centre.Latitude - degrees), Math.Min(90, Centre.Latitude + degrees));
            if (south <= -90 || north >= 90)
            {
                return new BoundingBox(-180, south, 180, north); // it contains a pole, so it touches every meridian
            }

            var east = double.RadiansToDegrees(Math.Asin(Math.Min(1, Math.Sin(angle) / Math.Cos(double.DegreesToRadians(Centre.Latitude)))));
            return east >= 180 - 1e-9
                ? new BoundingBox(-180, south, 180, north)
                : new BoundingBox(BoundingBox.Wrap(Centre.Longitude - east), south, BoundingBox.Wrap(Centre.Longitude + east), north);
        }
    }

    public override bool MayTouch(Cell cell) => cell.DistanceFrom(Centre).Least <= RadiusKm * 1000;

    public override bool Contains(Place place) => GreatCircle.DistanceKm(Centre.Latitude, Centre.Longitude, place.Latitude, place.Longitude) <= RadiusKm;

    public override string Sql(SqlParameters sql) => $"ST_DWithin(location, {Centre.Sql(sql)}, {sql.Add(RadiusKm * 1000)}, false)";
}

/// <summary>A box between two lines of latitude and two of longitude, in degrees. Its borders belong to it.</summary>
/// <param name="West">East of <paramref name="East"/> if the box crosses the antimeridian.</param>
internal sealed record BoundingBox(double West, double South, double East, double North) : Area
{
    public const string Invalid = "Must be west,south,east,north in degrees, such as 36.2,33.4,36.4,33.6.";

    public override BoundingBox Bounds => this;

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

    public override bool MayTouch(Cell cell)
    {
        const double Slack = 1e-9;
        return cell.South <= North + Slack && cell.North >= South - Slack
            && Longitudes.Any(part => (cell.West <= part.East + Slack && cell.East >= part.West - Slack)
                || (cell.Column == 0 && part.East >= 180) // 180° is in the first column, as -180° is, and both are one line
                || (cell.East >= 180 - Slack && part.West <= -180));
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

    public string Sql(SqlParameters sql) => $"ST_SetSRID(ST_MakePoint({sql.Add(Longitude)}, {sql.Add(Latitude)}), 4326)::geography";
}

/// <summary>Several areas: what is in all of them.</summary>
internal sealed class Areas(IReadOnlyList<Area> parts)
{
    /// <summary>The most cells of a covering: a circle's diameter is at most 6 cells of the chosen level.</summary>
    private const int MostCells = 49;

    public bool MayTouch(Cell cell) => parts.All(part => part.MayTouch(cell));

    public bool Contains(Place place) => parts.All(part => part.Contains(place));

    public string Sql(SqlParameters sql) => string.Join(" AND ", parts.Select(part => part.Sql(sql)));

    /// <summary>The cells of the finest level that covers the areas with few cells.</summary>
    /// <returns>Null if even the coarsest level has too many.</returns>
    public List<Cell>? Cover()
    {
        foreach (var part in parts.OrderBy(part => part.Bounds.North - part.Bounds.South))
        {
            foreach (var grid in Grid.All.Reverse())
            {
                if (Cover(part.Bounds, grid) is { } cells)
                {
                    return [.. cells.Where(MayTouch)];
                }
            }
        }

        return null;
    }

    private static HashSet<Cell>? Cover(BoundingBox bounds, Grid grid)
    {
        var (first, last) = (grid.RowOf(bounds.South), grid.RowOf(bounds.North));
        if (last - first >= MostCells)
        {
            return null;
        }

        // A set: 180° is in the first column again.
        var cells = new HashSet<Cell>();
        for (var row = first; row <= last; row++)
        {
            var columns = grid.ColumnsOf(row);
            foreach (var (west, east) in bounds.Longitudes)
            {
                var (from, to) = ((long)Math.Floor((west + 180) / 360 * columns), (long)Math.Floor((east + 180) / 360 * columns));
                if (cells.Count + to - from + 1 > MostCells)
                {
                    return null;
                }

                for (var column = from; column <= to; column++)
                {
                    cells.Add(new Cell(grid, row, (int)(column % columns)));
                }
            }
        }

        return cells;
    }
}
