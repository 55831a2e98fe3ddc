using Kashif.Messaging.Geography;

namespace Kashif.Reporting.Reports;

/// <summary>
/// A level of the grid over the earth, for finding reports by place. Rows are bands of latitude. The coarsest row at latitude φ has about
/// cos(φ) times the columns of the equator, so its cells are about as wide as they are high; each finer level divides a cell into 8 × 8.
/// The antimeridian is a border of two columns, and the poles are the last rows: neither needs a special case.
/// </summary>
internal sealed class Grid
{
    private const int CoarsestRows = 625;

    private Grid(int factor, Grid? finer) => (Factor, Finer) = (factor, finer);

    /// <summary>Coarsest first: 32 km, 4 km, 500 m, 63 m and 8 m.</summary>
    public static IReadOnlyList<Grid> All { get; } = Create();

    public static Grid Coarsest => All[0];

    /// <summary>How many cells of this level the side of a coarsest cell has: a power of 8.</summary>
    public int Factor { get; }

    /// <summary>The next finer level; null for the finest.</summary>
    public Grid? Finer { get; }

    public int Rows => CoarsestRows * Factor;

    /// <summary>How many columns a row has: a parabola instead of the cosine, at most 30 % more of them.</summary>
    public int ColumnsOf(int row)
    {
        var coarsest = (long)(row / Factor);
        return (int)((2 * ((2 * coarsest) + 1) * ((2 * CoarsestRows) - 1 - (2 * coarsest)) / CoarsestRows) + 1) * Factor;
    }

    private int RowOf(double latitude) => (int)Math.Clamp(Math.Floor((latitude + 90) / 180 * CoarsestRows * Factor), 0, Rows - 1);

    /// <param name="longitude">From -180 to 180; 180 is in the first column, as -180 is.</param>
    public Cell CellOf(double latitude, double longitude)
    {
        var row = RowOf(latitude);
        var columns = ColumnsOf(row);
        return new Cell(this, row, (int)((long)Math.Floor((longitude + 180) / 360 * columns) % columns));
    }

    private static Grid[] Create()
    {
        Grid? finer = null;
        return [.. new[] { 4096, 512, 64, 8, 1 }.Select(factor => finer = new Grid(factor, finer)).ToArray().Reverse()];
    }
}

/// <summary>A cell of a <see cref="Grid"/>.</summary>
internal readonly record struct Cell(Grid Grid, int Row, int Column)
{
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
}
