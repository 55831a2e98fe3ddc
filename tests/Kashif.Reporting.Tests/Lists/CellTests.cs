using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Tests.Lists;

/// <summary>The grid of cells, and how areas lie on it.</summary>
public sealed class CellTests
{
    [Fact]
    public void Each_place_is_in_one_cell_of_each_level_and_the_finer_one_is_inside()
    {
        var random = new Random(8);
        double[] edges = [-180, 180, -90, 90, 0, 45, 89.712, -89.712, 1e-300, -1e-300, 179.99999999999997, 89.99999999999999];
        IEnumerable<(double, double)> places =
        [
            .. from latitude in edges where Math.Abs(latitude) <= 90 from longitude in edges select (latitude, longitude),
            .. Enumerable.Range(0, 5_000).Select(_ => ((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180)),

            // On the borders of cells.
            .. Enumerable.Range(0, 5_000).Select(index => Grid.All[index % 5].CellOf((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180)).Select(cell => (cell.South, cell.West)),
        ];
        foreach (var (latitude, longitude) in places)
        {
            foreach (var grid in Grid.All)
            {
                var cell = grid.CellOf(latitude, longitude);
                latitude.ShouldBeInRange(cell.South - 1e-9, cell.North + 1e-9);
                (longitude > 180 - 1e-9 && cell.Column == 0 ? -180 : longitude).ShouldBeInRange(cell.West - 1e-9, cell.East + 1e-9);
                if (grid.Finer?.CellOf(latitude, longitude) is { } child)
                {
                    (child.Row / 8, child.Column / 8).ShouldBe((cell.Row, cell.Column), $"{latitude} {longitude}");
                }
            }
        }
    }

    [Fact]
    public void An_area_has_all_places_of_a_cell_that_it_covers_and_none_of_one_that_it_does_not_touch()
    {
        var random = new Random(9);
        var seen = new int[3];
        for (var round = 0; round < 20_000; round++)
        {
            var centre = NextPlace(random);
            Area area = random.Next(2) == 0
                ? new Circle(centre, Math.Pow(10, (random.NextDouble() * 6) - 2))
                : new BoundingBox(centre.Longitude, Math.Min(centre.Latitude, 90 - 1e-3), BoundingBox.Wrap(centre.Longitude + Math.Pow(10, (random.NextDouble() * 4) - 2)), Math.Min(90, centre.Latitude + Math.Pow(10, (random.NextDouble() * 4) - 2)));
            var grid = Grid.All[random.Next(5)];
            var near = random.Next(3) == 0 ? NextPlace(random) : new Place(
                Math.Clamp(centre.Latitude + ((random.NextDouble() - 0.5) / grid.Factor), -90, 90), BoundingBox.Wrap(centre.Longitude + ((random.NextDouble() - 0.5) / grid.Factor)));
            var cell = grid.CellOf(near.Latitude, near.Longitude);

            var overlap = area.OverlapOf(cell);

            seen[(int)overlap]++;
            if (overlap is not Overlap.Some)
            {
                for (var point = 0; point < 20; point++)
                {
                    var place = point == 0 ? near : new Place(Between(cell.South, cell.North, random), Between(cell.West, cell.East, random));
                    area.Contains(place).ShouldBe(overlap is Overlap.All, $"{area} {cell} {place}");
                }
            }
        }

        seen.ShouldAllBe(count => count > 100);
    }

    private static double Between(double from, double to, Random random) => random.Next(5) switch { 0 => from, 1 => to, _ => from + ((to - from) * random.NextDouble()) };

    private static Place NextPlace(Random random)
    {
        var latitude = random.Next(5) == 0 ? 90 - (random.NextDouble() * 0.3) : (random.NextDouble() * 180) - 90;
        return new Place(random.Next(2) == 0 ? latitude : -latitude, random.Next(3) == 0 ? 180 - (random.NextDouble() * 0.3) : (random.NextDouble() * 360) - 180);
    }
}
