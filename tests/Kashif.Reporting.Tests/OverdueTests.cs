using System.Net.Http.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using NetTopologySuite.Geometries;
using Npgsql;

namespace Kashif.Reporting.Tests;

/// <summary>Open reports that pass the target of their category.</summary>
public sealed class OverdueTests(ReportingService service)
{
    private const string Categories = $"{ReportingClient.Root}/categories";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_report_is_due_after_the_target_of_its_category()
    {
        var hole = await service.FileAsync(category: "pothole");
        var other = await service.FileAsync(category: "other");

        hole.GetProperty("due_at").GetDateTimeOffset().ShouldBe(hole.GetProperty("created_at").GetDateTimeOffset().AddDays(14));
        other.GetProperty("due_at").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task Admins_set_the_target_of_a_category()
    {
        await service.SeedAsync([(1, 1)], category: "target_test");
        using var admin = service.NewUser(Roles.Admin);
        using var staff = service.NewUser(Roles.Staff);

        using var changed = await admin.PatchAsJsonAsync($"{Categories}/target_test", new { target_days = 5 }, Cancel);
        using var forbidden = await staff.PatchAsJsonAsync($"{Categories}/target_test", new { target_days = 5 }, Cancel);
        using var invalid = await admin.PatchAsJsonAsync($"{Categories}/target_test", new { target_days = 0 }, Cancel);
        using var both = await admin.PatchAsJsonAsync($"{Categories}/target_test", new { target_days = 5, target_hours = 5 }, Cancel);
        using var missing = await admin.PatchAsJsonAsync($"{Categories}/target_test", new { }, Cancel);
        using var unknown = await admin.PatchAsJsonAsync($"{Categories}/no_such", new { target_days = 5 }, Cancel);

        ((int)changed.StatusCode).ShouldBe(200);
        (await changed.JsonAsync()).GetProperty("target_days").GetInt32().ShouldBe(5);
        ((int)forbidden.StatusCode).ShouldBe(403);
        (await invalid.JsonAsync()).BadFields.ShouldBe(["target_days"]);
        (await both.JsonAsync()).BadFields.ShouldBe(["target_hours"]);
        (await missing.JsonAsync()).GetProperty("target_days").GetInt32().ShouldBe(5, "a field that is left out stays");
        ((int)unknown.StatusCode).ShouldBe(404);

        using var none = await admin.PatchAsJsonAsync($"{Categories}/target_test", new { target_days = (int?)null }, Cancel);
        (await none.JsonAsync()).GetProperty("target_days").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        using var hours = await admin.PatchAsJsonAsync($"{Categories}/target_test", new { target_hours = 36 }, Cancel);
        (await hours.JsonAsync()).GetProperty("target_hours").GetInt32().ShouldBe(36);
    }

    [Fact]
    public async Task Replicas_publish_each_overdue_open_report_once()
    {
        var settings = new Dictionary<string, string?> { ["Reporting:OverdueInterval"] = "00:00:00.02" };
        await using var first = await service.StartAnotherAsync(0, settings: settings);
        var user = Guid.CreateVersion7();
        var open = await service.SeedAsync([.. Enumerable.Repeat((1.0, 1.0), 600)], userId: user, database: first.Database);
        var closed = await service.SeedAsync([(1, 1)], status: "resolved", userId: user, database: first.Database);
        var later = await service.SeedAsync([(1, 1)], status: "verified", userId: user, database: first.Database);
        await using var second = await service.StartAnotherAsync(0, first.Database, settings: settings);
        await using var database = NpgsqlDataSource.Create(first.Database);

        await ExecuteAsync("UPDATE reports SET expected_at = now() + interval '1 hour' WHERE id = ANY ($1)", later);
        await ExecuteAsync("UPDATE reports SET expected_at = '2026-01-02T03:04:05Z' WHERE id = ANY ($1)", [.. open, .. closed]);

        await Eventually.TrueAsync(() => PublishedFor(user).Count >= open.Length, "the events");
        await ExecuteAsync("UPDATE reports SET expected_at = now() WHERE id = ANY ($1)", later); // a pass after this one would publish again what is not marked
        await Eventually.TrueAsync(() => PublishedFor(user).Contains(later[0]), "the event of the later report");
        PublishedFor(user).Order().ShouldBe([.. open.Concat(later).Order()]);
        var data = (await service.Tap.WaitForAsync(ReportOverdue.Type, data => data.GetProperty("report_id").GetGuid() == open[0])).GetProperty("data");
        data.GetProperty("title").GetString().ShouldBe("Seeded");
        data.GetProperty("due_at").GetDateTimeOffset().ShouldBe(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

        async Task ExecuteAsync(string sql, Guid[] ids)
        {
            await using var command = database.CreateCommand(sql);
            command.Parameters.Add(new NpgsqlParameter { Value = ids });
            await command.ExecuteNonQueryAsync(Cancel);
        }
    }

    [Fact]
    public async Task Staff_list_the_overdue_reports_that_they_work_on()
    {
        var category = $"late_{Guid.CreateVersion7():N}";
        // The fourth report lies in an area of its own: rerouting after the changes of other tests finds the same area again.
        var ids = await service.SeedAsync([(1, 1), (1, 1), (1, 1), (-41.5, 171.5), (1, 1), (1, 1), (1, 1)], category);
        var (agency, area) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var boundary = new MultiPolygon([new Polygon(new LinearRing([new(171, -42), new(172, -42), new(172, -41), new(171, -41), new(171, -42)]))]) { SRID = 4326 };
        await service.QueryAsync(async database =>
        {
            // Equal times too: the id breaks the tie.
            var first = TimeProvider.System.GetUtcNow().AddDays(-9);
            foreach (var (id, index) in ids.Select((id, index) => (id, index)))
            {
                await database.Reports.Where(report => report.Id == id)
                    .ExecuteUpdateAsync(set => set.SetProperty(report => report.ExpectedAt, index == 5 ? first.AddDays(30) : first.AddHours(index / 2)), Cancel);
            }

            await database.Reports.Where(report => report.Id == ids[6]).ExecuteUpdateAsync(set => set.SetProperty(report => report.Status, ReportStatus.Resolved), Cancel);
            await database.Reports.Where(report => report.Id == ids[1]).ExecuteUpdateAsync(set => set.SetProperty(report => report.Hidden, true), Cancel);
            database.Agencies.Add(new() { Id = agency, NameEn = $"{agency}", NameAr = $"{agency}" });
            database.Add(new CityArea { Id = area, NameEn = $"{area}", NameAr = $"{area}", Boundary = boundary, SquareMetres = 1 });
            await database.SaveChangesAsync(Cancel);
            return await database.Reports.Where(report => report.Id == ids[3]).ExecuteUpdateAsync(
                set => set.SetProperty(report => report.AgencyId, agency).SetProperty(report => report.RoutedByHand, true).SetProperty(report => report.AreaId, area), Cancel);
        });
        var path = $"{ReportingClient.Root}/overdue";
        using var staff = service.NewUser(Roles.Staff);
        using var citizen = service.Citizen(out _);
        var employeeId = Guid.CreateVersion7();
        using var employee = service.Host.As(employeeId, Roles.Staff);
        await service.QueryAsync(async database =>
        {
            database.Employees.Add(new() { UserId = employeeId, AgencyId = agency, Name = "Amina" });
            return await database.SaveChangesAsync(Cancel);
        });

        foreach (var limit in new[] { 1, 2, 5, 100 })
        {
            (await staff.AllPagesAsync($"{path}?category={category}", limit)).Select(report => report.Id).ShouldBe(ids[..5], $"{limit}");
        }

        (await staff.AllPagesAsync($"{path}?category={category}&agency={agency}", 10)).Select(report => report.Id).ShouldBe([ids[3]]);
        (await staff.AllPagesAsync($"{path}?area={area}", 10)).Select(report => report.Id).ShouldBe([ids[3]]);
        (await employee.AllPagesAsync($"{path}?", 100)).Select(report => report.Id).ShouldBe([ids[3]], "of the employee's agency alone");
        (await citizen.ReadAsync(path)).Status.ShouldBe(403);
        (await staff.ReadAsync($"{path}?category=no_such&cursor=x&limit=0")).Body.BadFields.ShouldBe(["category", "cursor", "limit"]);
    }

    [Fact]
    public async Task Reports_of_a_version_that_knew_no_promise_get_the_service_level()
    {
        var settings = new Dictionary<string, string?> { ["Reporting:OverdueInterval"] = "00:00:00.02" };
        await using var host = await service.StartAnotherAsync(0, settings: settings);
        var id = (await service.SeedAsync([(1, 1)], database: host.Database))[0];
        await using var database = NpgsqlDataSource.Create(host.Database);
        await using var command = database.CreateCommand("UPDATE reports SET due_at = created_at + interval '3 days'");
        await command.ExecuteNonQueryAsync(Cancel);
        using var anyone = host.Anonymous();

        await Eventually.TrueAsync(
            async () => (await anyone.ReadAsync($"{ReportingClient.Root}/{id}")).Body is var report
                && report.GetProperty("expected_at").ToString() == report.GetProperty("due_at").ToString(), "the promise");
    }

    [Fact]
    public async Task Overdue_reports_are_found_by_their_index()
    {
        await using var database = NpgsqlDataSource.Create(service.Host.Database);
        await using var connection = await database.OpenConnectionAsync(Cancel);
        await using var explain = connection.CreateBatch();
        foreach (var way in new[] { "seqscan", "bitmapscan", "sort" })
        {
            explain.BatchCommands.Add(new NpgsqlBatchCommand($"SET LOCAL enable_{way} = off"));
        }

        explain.BatchCommands.Add(new NpgsqlBatchCommand($"EXPLAIN {string.Format(System.Globalization.CultureInfo.InvariantCulture, OverdueMarking.Due, "now()", 500)}"));
        var plan = new List<string>();
        await using var reader = await explain.ExecuteReaderAsync(Cancel);
        do
        {
            while (await reader.ReadAsync(Cancel))
            {
                plan.Add(reader.GetString(0));
            }
        }
        while (await reader.NextResultAsync(Cancel));

        plan.ShouldContain(line => line.Contains("Index Scan using ix_reports_due", StringComparison.Ordinal)
            || line.Contains("Index Scan using ix_reports_expected", StringComparison.Ordinal)); // equal while no report is marked
        plan.ShouldNotContain(line => line.Contains("Sort", StringComparison.Ordinal));
    }

    private List<Guid> PublishedFor(Guid user) =>
        [.. service.Tap.Envelopes(ReportOverdue.Type).Select(envelope => envelope.GetProperty("data"))
            .Where(data => data.GetProperty("user_id").GetGuid() == user).Select(data => data.GetProperty("report_id").GetGuid())];
}
