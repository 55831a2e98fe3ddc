using Kashif.Messaging.Geography;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The grid of cells: PostgreSQL and .NET must agree on it, or a report is in no list.</summary>
public sealed class CellTests(ReportingService service)
{
    [Fact]
    public async Task PostgreSQL_puts_each_report_into_the_same_cells()
    {
        var random = new Random(7);
        double[] edges = [-180, 180, -90, 90, 0, 45, 89.712, -89.712, 1e-300, -1e-300, 179.99999999999997, 89.99999999999999];
        (double Latitude, double Longitude)[] places =
        [
            .. from latitude in edges where Math.Abs(latitude) <= 90 from longitude in edges select (latitude, longitude),
            .. Enumerable.Range(0, 2_000).Select(_ => ((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180)),

            // On the borders of cells.
            .. Enumerable.Range(0, 2_000).Select(index => Grid.All[index % 5].CellOf((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180)).Select(cell => (cell.South, cell.West)),
        ];
        var user = Guid.CreateVersion7();
        var ids = await service.SeedAsync(places, "celled", userId: user);

        foreach (var grid in Grid.All)
        {
            var stored = await service.QueryAsync(database => database.Reports.Where(report => report.UserId == user)
                .Select(report => new { report.Id, Cell = EF.Property<long>(report, grid.Column) }).ToDictionaryAsync(report => report.Id, report => report.Cell, Cancelled));
            ids.Zip(places, (id, place) => (stored[id], grid.CellOf(place.Latitude, place.Longitude).Number, place))
                .Where(cell => cell.Item1 != cell.Number).ShouldBeEmpty(grid.Column);
        }
    }

    [Fact]
    public void A_cell_has_its_children_and_its_number()
    {
        var random = new Random(8);
        for (var round = 0; round < 2_000; round++)
        {
            var (latitude, longitude) = ((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180);
            foreach (var grid in Grid.All)
            {
                var cell = grid.CellOf(latitude, longitude);
                grid.CellOf(cell.Number).ShouldBe(cell);
                latitude.ShouldBeInRange(cell.South - 1e-9, cell.North + 1e-9);
                longitude.ShouldBeInRange(cell.West - 1e-9, cell.East + 1e-9);
                cell.Children().Count().ShouldBe(grid.Finer is null ? 0 : 64);
                if (grid.Finer is { } finer)
                {
                    cell.Children().ShouldContain(finer.CellOf(latitude, longitude));
                }
            }
        }
    }

    [Fact]
    public void A_covering_has_few_cells_and_each_place_of_its_circle()
    {
        var random = new Random(9);
        for (var round = 0; round < 3_000; round++)
        {
            var latitude = round % 5 == 0 ? 90 - (random.NextDouble() * 0.1) : (random.NextDouble() * 180) - 90;
            var centre = new Place(round % 2 == 0 ? latitude : -latitude, round % 3 == 0 ? 180 - (random.NextDouble() * 0.01) : (random.NextDouble() * 360) - 180);
            var radius = Math.Pow(10, (random.NextDouble() * 4) - 2);
            var covering = new Areas([new Circle(centre, radius)]).Cover();
            if (covering is null)
            {
                radius.ShouldBeGreaterThan(70);
                continue;
            }

            covering.Count.ShouldBeInRange(1, 49);
            var cells = covering.ToHashSet();
            for (var point = 0; point < 40; point++)
            {
                var (angle, distance) = (random.NextDouble() * 2 * Math.PI, radius * Math.Sqrt(random.NextDouble()) * 0.999999 / GreatCircle.EarthKm);
                var phi = double.DegreesToRadians(centre.Latitude);
                var sine = Math.Clamp((Math.Sin(phi) * Math.Cos(distance)) + (Math.Cos(phi) * Math.Sin(distance) * Math.Cos(angle)), -1, 1);
                var east = Math.Atan2(Math.Sin(angle) * Math.Sin(distance) * Math.Cos(phi), Math.Cos(distance) - (Math.Sin(phi) * sine));
                var longitude = BoundingBox.Wrap(centre.Longitude + double.RadiansToDegrees(east));
                var cell = covering[0].Grid.CellOf(double.RadiansToDegrees(Math.Asin(sine)), longitude);
                cells.ShouldContain(cell, $"{centre} {radius} km");
            }
        }
    }
}
