using Kashif.Messaging.Geography;

namespace Kashif.Reporting.Reports;

/// <summary>
/// A level of the grid over the earth, for reading the newest reports of an area. Rows are bands of latitude. The coarsest row at latitude φ has about
/// cos(φ) times the columns of the equator, so its cells are about as wide as they are high; each finer level divides a cell into 8 × 8.
/// The antimeridian is a border of two columns, and the poles are the last rows: neither needs a special case.
/// </summary>
/// <param name="Column">The column of the table that holds the number of a report's cell, which PostgreSQL computes.</param>
/// <param name="Factor">How many cells of this level the side of a coarsest cell has: a power of 8.</param>
/// <remarks>
/// All arithmetic is on integers and on doubles that both PostgreSQL and .NET compute alike (no sine or cosine), because a report that the two
/// put into different cells is in no list.
/// </remarks>
internal sealed record Grid(string Column, int Factor)
{
    private const int CoarsestRows = 625;

    /// <summary>Half a meridian.</summary>
    private const double PoleToPoleKm = Math.PI * GreatCircle.EarthKm;

    /// <summary>Coarsest first: 32 km, 4 km, 500 m, 63 m and 8 m.</summary>
    public static IReadOnlyList<Grid> All { get; } =
        [new("cell_32km", 1), new("cell_4km", 8), new("cell_500m", 64), new("cell_60m", 512), new("cell_8m", 4096)];

    public static Grid Coarsest => All[0];

    public int Rows => CoarsestRows * Factor;

    public double HeightKm => PoleToPoleKm / Rows;

    /// <summary>The next finer level; null for the finest.</summary>
    public Grid? Finer => All.FirstOrDefault(grid => grid.Factor == Factor * 8);

    /// <summary>Computes the same as <see cref="CellOf(double, double)"/>.</summary>
    public string Sql
    {
        get
        {
            var coarsest = $"least(floor((latitude + 90) / 180 * {CoarsestRows})::bigint, {CoarsestRows - 1})";
            var columns = $"(2 * (2 * {coarsest} + 1) * ({(2 * CoarsestRows) - 1} - 2 * {coarsest}) / {CoarsestRows} + 1) * {Factor}";
            return $"least(floor((latitude + 90) / 180 * {CoarsestRows} * {Factor})::bigint, {Rows - 1}) * {Cell.RowSize} "
                + $"+ floor((longitude + 180) / 360 * ({columns}))::bigint % ({columns})";
        }
    }

    /// <summary>How many columns a row has: a parabola instead of the cosine, at most 30 % more of them.</summary>
    public int ColumnsOf(int row)
    {
        var coarsest = (long)(row / Factor);
        return (int)((2 * ((2 * coarsest) + 1) * ((2 * CoarsestRows) - 1 - (2 * coarsest)) / CoarsestRows) + 1) * Factor;
    }

    public int RowOf(double latitude) => (int)Math.Clamp(Math.Floor((latitude + 90) / 180 * CoarsestRows * Factor), 0, Rows - 1);

    /// <param name="longitude">From -180 to 180; 180 is in the first column, as -180 is.</param>
    public Cell CellOf(double latitude, double longitude)
    {
        var row = RowOf(latitude);
        var columns = ColumnsOf(row);
        return new Cell(this, row, (int)((long)Math.Floor((longitude + 180) / 360 * columns) % columns));
    }

    public Cell CellOf(long number) => new(this, (int)(number / Cell.RowSize), (int)(number % Cell.RowSize));
}

/// <summary>A cell of a <see cref="Grid"/>.</summary>
internal readonly record struct Cell(Grid Grid, int Row, int Column)
{
    /// <summary>More than the columns of the finest row.</summary>
    public const long RowSize = 1 << 24;

    public long Number => (Row * RowSize) + Column;

    public double South => (180.0 * Row / Grid.Rows) - 90;
    public double North => (180.0 * (Row + 1) / Grid.Rows) - 90;
    public double West => (360.0 * Column / Grid.ColumnsOf(Row)) - 180;
    public double East => (360.0 * (Column + 1) / Grid.ColumnsOf(Row)) - 180;

    /// <summary>The least and the most that a place in the cell can be away, in metres; a little less and more.</summary>
    public (double Least, double Most) DistanceFrom(Place place)
    {
        // A circle around the cell: its corners are what is farthest from its middle.
        var (latitude, longitude) = ((South + North) / 2, (West + East) / 2);
        var around = Math.Max(GreatCircle.DistanceKm(latitude, longitude, South, West), GreatCircle.DistanceKm(latitude, longitude, North, West));
        var middle = GreatCircle.DistanceKm(place.Latitude, place.Longitude, latitude, longitude);

        // More than this arithmetic, and PostGIS' radius of the earth, are off by.
        var slack = 1e-5 + (middle * 1e-8);
        return (Math.Max(0, middle - around - slack) * 1000, (middle + around + slack) * 1000);
    }

    /// <summary>The 64 cells of the next finer level; none at the finest.</summary>
    public IEnumerable<Cell> Children()
    {
        if (Grid.Finer is not { } finer)
        {
            yield break;
        }

        for (var row = Row * 8; row < (Row + 1) * 8; row++)
        {
            for (var column = Column * 8; column < (Column + 1) * 8; column++)
            {
                yield return new Cell(finer, row, column);
            }
        }
    }
}
