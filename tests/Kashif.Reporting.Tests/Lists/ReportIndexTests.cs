using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Tests.Lists;

/// <summary>Compares searches in memory with brute force, and counts the reports that they look at.</summary>
public sealed class ReportIndexTests
{
    private static readonly (double Latitude, double Longitude)[] Hubs = [(24.7, 46.7), (0, 180), (0, -180), (-17, -179.99), (90, 0), (-90, 0), (89.99, 77), (0, 0), (51.5, -0.1)];
    private static readonly bool[] Statuses = [.. Enum.GetValues<ReportStatus>().Select(_ => true)];
    private static readonly PublicReportFilter Every = new([true, true, true], Statuses, null, DateTime.MinValue, DateTime.MaxValue);
    private static readonly PublicReportFilter OneCategory = new([false, true, false], Statuses, null, DateTime.MinValue, DateTime.MaxValue);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Searches_find_exactly_what_brute_force_finds_after_any_changes(int seed)
    {
        var random = new Random(seed);
        var index = new ReportIndex();
        var reports = new Dictionary<Guid, PublicReport>();
        for (var round = 0; round < 4; round++)
        {
            // Crowds too, so that cells are divided down to the smallest, and empty again.
            var crowd = NextPlace(random);
            for (var change = 0; change < 2_000; change++)
            {
                var known = reports.Count > 0 && random.Next(3) == 0 ? reports.ElementAt(random.Next(Math.Min(reports.Count, 50))).Value : (PublicReport?)null;
                if (known is { } gone && random.Next(2) == 0)
                {
                    reports.Remove(gone.Id);
                    index.Remove(gone.Id);
                    continue;
                }

                var place = random.Next(3) == 0 ? crowd : NextPlace(random);
                var report = known is { } old
                    ? (random.Next(2) == 0 ? old with { Category = (short)random.Next(3), Changes = old.Changes + 1 } : old with { Latitude = place.Latitude, Longitude = place.Longitude })
                    : new PublicReport { Id = NextId(random), Latitude = place.Latitude, Longitude = place.Longitude, Category = (short)random.Next(3) };
                reports[report.Id] = report;
                index.Put(report);
            }

            index.Remove(Guid.CreateVersion7());
            index.ById.Select(position => index[position]).ShouldBe(reports.Values.OrderBy(report => report.Id));
            for (var search = 0; search < 24; search++)
            {
                var centre = search % 3 == 0 ? crowd : NextPlace(random);
                Area[] parts =
                [
                    .. search % 4 == 3 ? Array.Empty<Area>() : [new Circle(centre, Math.Min(Circle.MaxRadiusKm, Math.Pow(10, (random.NextDouble() * 6) - 2)))],
                    .. search % 4 < 2 ? Array.Empty<Area>() : [NextBox(centre, random)],
                ];
                var areas = new Areas(parts);
                var filter = search % 2 == 0 ? Every : OneCategory;
                var expected = reports.Values.Where(report => filter.Matches(report) && parts.All(part => part.Contains(report.Place))).OrderByDescending(report => report.Id).ToList();

                var visited = new List<Guid>();
                index.Visit(areas, filter, (in PublicReport report) =>
                {
                    visited.Add(report.Id);
                    return true;
                });
                visited.Order().ShouldBe(expected.Select(report => report.Id).Order(), string.Join(' ', parts.AsEnumerable()));

                Pages(size => after => new NewestSearch(index, filter, areas).Find(Guid.Empty, after ?? Guid.AllBitsSet, size, int.MaxValue).Found, random)
                    .ShouldBe(expected.Select(report => new FoundReport(report.Id, report.Changes)), string.Join(' ', parts.AsEnumerable()));
                Pages(
                    size => after => new NearestSearch(index, filter, centre, areas).Find(after is { } id ? (centre.MetresTo(reports[id].Place), id) : (-1, Guid.Empty), size, int.MaxValue), random)
                    .ShouldBe(expected.OrderBy(report => (centre.MetresTo(report.Place), report.Id)).Select(report => new FoundReport(report.Id, report.Changes)), string.Join(' ', parts.AsEnumerable()));
            }
        }
    }

    /// <summary>A city of 20,000, and the newest 60,000 of all at one point.</summary>
    [Theory]
    [InlineData("in a dense city", 33.44, 36.26, 2.5, 400)]
    [InlineData("at its edge", 33.4, 36.2, 5, 600)]
    [InlineData("in the countryside", 34.5, 37, 5, 10)]
    [InlineData("a crowd 1 km outside", 33.5 + (6 / 111.195), 36.3, 5, 1_500)]
    [InlineData("a crowd 100 m outside", 33.5 + (5.1 / 111.195), 36.3, 5, 1_500)]
    [InlineData("a crowd 20 m outside", 33.5 + (5.02 / 111.195), 36.3, 5, 1_500)]
    [InlineData("a crowd inside", 33.5 + (4.9 / 111.195), 36.3, 5, 60)]
    [InlineData("on a continent", 33.5, 36.3, 3_000, 60)]
    [InlineData("on another continent", -33.5, 150, 3_000, 0)]
    public void The_newest_near_a_point_are_found_without_looking_at_the_area_or_a_crowd_beside_it(string what, double latitude, double longitude, double radius, int most)
    {
        var index = City.Value;
        var centre = new Place(latitude, longitude);
        var area = new CountingArea(new Circle(centre, radius));
        var expected = index.ById.Select(position => index[position]).Where(report => centre.MetresTo(report.Place) <= radius * 1000).Select(report => report.Id).OrderDescending().Take(51);

        var found = new NewestSearch(index, Every, new Areas([area])).Find(Guid.Empty, Guid.AllBitsSet, 51, PublicReports.Patience).Found;

        found.Select(report => report.Id).ShouldBe(expected, what);
        area.Looked.ShouldBeLessThanOrEqualTo(most, what);
        new NearestSearch(index, Every, centre, new Areas([area])).Find((-1, Guid.Empty), 51, PublicReports.Patience).Count.ShouldBe(found.Count, what);
    }

    [Fact]
    public void A_filter_without_matches_ends_a_search_soon()
    {
        var index = City.Value;
        var area = new CountingArea(new Circle(new Place(33.5, 36.3), 5));

        var (found, last) = new NewestSearch(index, OneCategory, new Areas([area])).Find(Guid.Empty, Guid.AllBitsSet, 51, patience: 1_000);

        found.ShouldBeEmpty();
        index.CountBefore(index.ById, last.ShouldNotBeNull()).ShouldBe(79_000, "the 1,000 newest were looked at");
        area.Looked.ShouldBeLessThanOrEqualTo(1_000);

        area = new CountingArea(new BoundingBox(36, 33, 37, 34));
        new NearestSearch(index, OneCategory, new Place(33.42, 36.22), new Areas([area])).Find((-1, Guid.Empty), 51, patience: 1_000).ShouldBeEmpty();
        area.Looked.ShouldBe(0, "the filter is first");
    }

    private static readonly Lazy<ReportIndex> City = new(() =>
    {
        var random = new Random(4);
        var index = new ReportIndex();
        for (var number = 0; number < 80_000; number++)
        {
            var (latitude, longitude) = number < 20_000 ? (33.4 + (random.NextDouble() * 0.2), 36.2 + (random.NextDouble() * 0.2)) : (33.5, 36.3);
            index.Put(new PublicReport { Id = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000 + number)), Latitude = latitude, Longitude = longitude });
        }

        return index;
    });

    private static List<FoundReport> Pages(Func<int, Func<Guid?, List<FoundReport>>> search, Random random)
    {
        var all = new List<FoundReport>();
        while (true)
        {
            var size = random.Next(1, 400);
            var page = search(size)(all.Count > 0 ? all[^1].Id : null);
            all.AddRange(page);
            if (page.Count < size)
            {
                return all;
            }
        }
    }

    private static Place NextPlace(Random random)
    {
        if (random.Next(4) == 0)
        {
            return new Place((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180);
        }

        var hub = Hubs[random.Next(Hubs.Length)];
        var spread = random.Next(10) == 0 ? 0 : Math.Pow(10, (random.NextDouble() * 3) - 2);
        return new Place(
            Math.Clamp(hub.Latitude + ((random.NextDouble() - 0.5) * spread), -90, 90), BoundingBox.Wrap(hub.Longitude + ((random.NextDouble() - 0.5) * spread)));
    }

    private static BoundingBox NextBox(Place centre, Random random)
    {
        var (width, height) = (Math.Pow(10, (random.NextDouble() * 4.5) - 2), Math.Pow(10, (random.NextDouble() * 4) - 2));
        return new BoundingBox(
            BoundingBox.Wrap(centre.Longitude - Math.Min(width / 2, 180)), Math.Max(-90, centre.Latitude - height), BoundingBox.Wrap(centre.Longitude + Math.Min(width / 2, 180)), Math.Min(90, centre.Latitude + height));
    }

    private static Guid NextId(Random random) => Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000 + random.Next(5_000)));

    /// <summary>Counts the places that it is asked for.</summary>
    private sealed record CountingArea(Area Area) : Area
    {
        public int Looked { get; private set; }

        public override Overlap OverlapOf(Cell cell) => Area.OverlapOf(cell);

        public override bool Contains(Place place)
        {
            Looked++;
            return Area.Contains(place);
        }

        public override string Sql(SqlParameters sql) => throw new NotSupportedException();
    }
}
