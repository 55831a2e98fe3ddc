using System.Diagnostics.Metrics;
using System.Security.Claims;
using Kashif.Messaging.Events;
using Kashif.Reporting.Reports;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Projects and work orders: lists, changes, their reports, and who may see them.</summary>
public sealed class WorkOrderTests(ReportingService service)
{
    [Fact]
    public async Task A_project_is_created_found_changed_and_deleted_only_without_work_orders()
    {
        using var staff = service.NewUser(Roles.Staff);
        var word = $"w{Guid.CreateVersion7():N}";
        var project = await staff.CreatedAsync("projects", new { name = $"إعادة تأهيل {word}", starts_on = "2027-03-01", ends_on = "2027-03-01" });
        var order = await staff.CreatedAsync("work-orders", new { title = $"Kerbs {word}", project_id = project.Id });

        (await staff.ReadAsync($"{Root}/projects?q={word}%20اعادة")).Body.GetProperty("items")[0].Id.ShouldBe(project.Id);
        (await staff.ReadAsync($"{Root}/work-orders?q={word}&project={project.Id}&state=draft")).Body.GetProperty("items")[0].Id.ShouldBe(order.Id);
        (await staff.ReadAsync($"{Root}/work-orders?q={word}&state=completed")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        (await staff.ReadAsync($"{Root}/projects?state=nonsense")).Body.BadFields.ShouldBe(["state"]);

        var (status, changed) = await staff.SendAsync(HttpMethod.Patch, $"projects/{project.Id}", new { state = "active", ends_on = (string?)null }, "\"1\"");
        status.ShouldBe(200, changed.ToString());
        (changed.GetProperty("state").GetString(), changed.GetProperty("version").GetInt32(), changed.GetProperty("ends_on").GetString()).ShouldBe(("active", 2, null));
        (await staff.SendAsync(HttpMethod.Patch, $"projects/{project.Id}", new { state = "done" }, "\"1\"")).Status.ShouldBe(412);
        (await staff.SendAsync(HttpMethod.Patch, $"projects/{project.Id}", new { ends_on = "2027-02-28" })).Body.BadFields.ShouldBe(["ends_on"]);

        var (refused, problem) = await staff.SendAsync(HttpMethod.Delete, $"projects/{project.Id}");
        (refused, problem.Code, problem.GetProperty("hangs_on")[0].Id).ShouldBe((409, "in_use", order.Id));
        (await staff.SendAsync(HttpMethod.Delete, $"projects/{project.Id}", ifMatch: "\"1\"")).Status.ShouldBe(412);
        (await staff.SendAsync(HttpMethod.Delete, $"work-orders/{order.Id}", ifMatch: "\"7\"")).Status.ShouldBe(412);
        (await staff.AllPagesAsync($"{Root}/projects/{project.Id}/history?", 1)).Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["changed", "created"]);
        (await staff.SendAsync(HttpMethod.Delete, $"work-orders/{order.Id}")).Status.ShouldBe(204);
        (await staff.SendAsync(HttpMethod.Delete, $"projects/{project.Id}")).Status.ShouldBe(204);
        (await staff.ReadAsync($"{Root}/projects/{project.Id}")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_crew_and_a_vehicle_with_work_are_not_deleted()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var admin = service.NewUser(Roles.Admin);
        var (crew, vehicle) = (await service.CrewAsync(), await service.VehicleAsync());
        var order = await staff.CreatedAsync("work-orders", new { title = "Fill the potholes", crew_id = crew, vehicle_id = vehicle });
        var visit = await staff.VisitAsync(order.Id, Work.Tomorrow);

        foreach (var path in (string[])[$"crews/{crew}", $"vehicles/{vehicle}"])
        {
            var (status, problem) = await admin.SendAsync(HttpMethod.Delete, path);
            (status, problem.Code).ShouldBe((409, "in_use"), path);
            problem.GetProperty("hangs_on").EnumerateArray().Select(one => (one.GetProperty("kind").GetString(), one.Id)).ShouldBe([("work_order", order.Id), ("visit", visit.Id)]);
        }

        (await staff.SendAsync(HttpMethod.Delete, $"visits/{visit.Id}")).Status.ShouldBe(204);
        (await staff.SendAsync(HttpMethod.Delete, $"work-orders/{order.Id}")).Status.ShouldBe(204);
        (await admin.SendAsync(HttpMethod.Delete, $"crews/{crew}")).Status.ShouldBe(204);
        (await admin.SendAsync(HttpMethod.Delete, $"vehicles/{vehicle}")).Status.ShouldBe(204);
    }

    [Fact]
    public async Task A_work_order_and_its_reports_have_a_history()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var anonymous = service.Host.Anonymous();
        var (first, second) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        var order = await staff.OrderAsync(null, first);

        (await staff.SendAsync(HttpMethod.Patch, $"work-orders/{order.Id}", new { state = "scheduled", reports = new[] { first, second } })).Status.ShouldBe(200);
        (await staff.SendAsync(HttpMethod.Patch, $"work-orders/{order.Id}", new { state = "completed", comment = "Filled." })).Status.ShouldBe(200);

        (await staff.AllPagesAsync($"{Root}/work-orders/{order.Id}/history?", 2)).Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["completed", "scheduled", "created"]);
        var history = await anonymous.AllPagesAsync($"{Root}/{first}/history?", 10);
        history.Select(entry => (entry.GetProperty("kind").GetString(), entry.TryGetProperty("details", out var details) ? details.GetProperty("event").GetString() : null, entry.GetProperty("to").GetString()))
            .ShouldBe([("status", null, "submitted"), ("work_order", "added", "submitted"), ("status", null, "verified"), ("status", null, "in_progress"),
                ("work_order", "completed", "in_progress"), ("status", null, "resolved")]);
        history[^1].GetProperty("comment").GetString().ShouldBe("Filled.");
        (await anonymous.ReadAsync($"{Root}/{second}")).Body.GetProperty("status").GetString().ShouldBe("resolved");
        await service.Tap.WaitForAsync(ReportStatusUpdated.Type, data => data.GetProperty("report_id").GetGuid() == second && data.GetProperty("to").GetString() == "resolved");
    }

    [Fact]
    public async Task Work_that_resolves_a_report_counts_a_promise_that_is_kept()
    {
        await using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var factory = meters.GetRequiredService<IMeterFactory>();
        using var kept = new MeasuredCounter(factory, "report_promises", "kept");
        using var changes = new MeasuredCounter(factory, "report_status_changes", "resolved");
        var staff = new ClaimsPrincipal(new ClaimsIdentity([new("sub", $"{Guid.CreateVersion7()}"), new("role", Roles.Staff)], "test", "sub", "role"));
        var now = TimeProvider.System.GetUtcNow();
        Report[] reports = [.. new DateTimeOffset?[] { now.AddDays(1), now.AddDays(-1), null }.Select(expected => Report.Create(
            new NewReport(Guid.CreateVersion7(), "Deep pothole", "", "pothole", 1, 1, Address: null), new ReportTerms(DueAt: null, expected, default), now))];

        await service.QueryAsync(database =>
        {
            var parts = new OrderReports(database, new ReportingMetrics(factory), TimeProvider.System);
            parts.Start(reports, staff);
            parts.Complete(reports, resolved: true, comment: null, staff);
            parts.Count();
            return Task.FromResult(0);
        });

        (changes.Sum, kept.Sum).ShouldBe((3, 1));
    }

    [Fact]
    public async Task A_report_is_in_one_open_work_order_even_for_direct_SQL()
    {
        using var staff = service.NewUser(Roles.Staff);
        var report = (await service.FileAsync()).Id;
        var orders = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => staff.SendAsync(HttpMethod.Post, "work-orders", new { title = "Fill", reports = new[] { report } })));

        orders.Count(order => order.Status == 201).ShouldBe(1);
        orders.Where(order => order.Status != 201).Select(order => (order.Status, order.Body.Code)).Distinct().ShouldBe([(409, "report_in_work_order")]);
        var winner = orders.Single(order => order.Status == 201).Body.Id;

        // Closed, its report is free; reopened, it is not.
        (await staff.SendAsync(HttpMethod.Patch, $"work-orders/{winner}", new { state = "cancelled" })).Status.ShouldBe(200);
        var next = await staff.OrderAsync(null, report);
        var (status, problem) = await staff.SendAsync(HttpMethod.Patch, $"work-orders/{winner}", new { state = "draft" });
        (status, problem.Code, problem.GetProperty("hangs_on")[0].Id).ShouldBe((409, "report_in_work_order", next.Id));
        foreach (var sql in (string[])[$"UPDATE work_orders SET state = 'draft' WHERE id = '{winner}'", $"UPDATE work_order_reports SET open = true WHERE work_order_id = '{winner}'"])
        {
            (await Should.ThrowAsync<PostgresException>(() => service.QueryAsync(database => database.Database.ExecuteSqlRawAsync(sql, Cancelled)))).SqlState
                .ShouldBeOneOf(PostgresErrorCodes.UniqueViolation, PostgresErrorCodes.ForeignKeyViolation);
        }

        // Reopened without the report that another one has.
        var free = (await service.FileAsync()).Id;
        (await staff.SendAsync(HttpMethod.Patch, $"work-orders/{winner}", new { state = "draft", reports = new[] { free } })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Another_agencys_work_is_not_found()
    {
        using var all = service.NewUser(Roles.Admin);
        var (agency, employee) = await service.AgencyWithEmployeeAsync();
        var (_, stranger) = await service.AgencyWithEmployeeAsync();
        var report = (await service.FileAsync()).Id;
        var own = await employee.OrderAsync();
        own.GetProperty("agency_id").GetGuid().ShouldBe(agency);

        (await employee.SendAsync(HttpMethod.Post, "work-orders", new { title = "Fill", reports = new[] { report } })).Body.BadFields.ShouldBe(["reports"], "not routed to the agency");
        (await stranger.SendAsync(HttpMethod.Post, "work-orders", new { title = "Fill", agency_id = agency })).Body.BadFields.ShouldBe(["agency_id"]);
        (await employee.SendAsync(HttpMethod.Post, "work-orders", new { title = "Fill", crew_id = await service.CrewAsync((await service.AgencyWithEmployeeAsync()).Agency) })).Body.BadFields.ShouldBe(["crew_id"]);
        (await stranger.ReadAsync($"{Root}/work-orders/{own.Id}")).Status.ShouldBe(404);
        (await stranger.ReadAsync($"{Root}/work-orders/{own.Id}/history")).Status.ShouldBe(404);
        (await stranger.SendAsync(HttpMethod.Patch, $"work-orders/{own.Id}", new { title = "Mine" })).Status.ShouldBe(404);
        (await stranger.SendAsync(HttpMethod.Delete, $"work-orders/{own.Id}")).Status.ShouldBe(404);
        (await stranger.ReadAsync($"{Root}/work-orders?agency={agency}")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        (await all.ReadAsync($"{Root}/work-orders?agency={agency}")).Body.GetProperty("items").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task A_merge_moves_the_duplicate_s_place_to_the_original()
    {
        using var staff = service.NewUser(Roles.Staff);
        var (duplicate, original) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        var order = await staff.OrderAsync(null, duplicate);

        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original })).Status.ShouldBe(200);

        (await staff.ReadAsync($"{Root}/work-orders/{order.Id}")).Body.GetProperty("reports").EnumerateArray().Select(id => id.GetGuid()).ShouldBe([original]);
        var history = await staff.AllPagesAsync($"{Root}/{original}/history?", 10);
        history.Select(entry => (entry.GetProperty("kind").GetString(), entry.GetProperty("version").GetInt32())).ShouldBe([("status", 1), ("work_order", 2)]);
        history[1].GetProperty("details").GetProperty("event").GetString().ShouldBe("added");
        (await staff.ReadAsync($"{Root}/{original}")).Body.GetProperty("version").GetInt32().ShouldBe(2);
    }

    /// <summary>What happens at once: work is completed, and reports are taken back, rejected, merged, reopened.</summary>
    [Fact]
    public async Task Reports_keep_a_legal_status_that_equals_their_history_in_every_race()
    {
        using var staff = service.NewUser(Roles.Staff);
        for (var round = 0; round < 4; round++)
        {
            Guid[] reports = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => (await service.FileAsync()).Id))];
            var original = (await service.FileAsync()).Id;
            var order = await staff.OrderAsync(await service.CrewAsync(), reports);
            var visit = await staff.VisitAsync(order.Id, Work.Tomorrow);

            var calls = await Task.WhenAll(
                staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/complete", new { outcome = "resolved" }),
                staff.SendAsync(HttpMethod.Patch, $"work-orders/{order.Id}", new { state = "completed" }),
                staff.ChangeStatusAsync(reports[0], new { status = "duplicate", duplicate_of = original }),
                staff.ChangeStatusAsync(reports[1], new { status = "rejected" }),
                staff.ChangeStatusAsync(reports[2], new { status = "verified", comment = "Too early." }),
                staff.SendAsync(HttpMethod.Post, $"{reports[3]}/reopen", new { reason = "Still there." }),
                staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = Work.Tomorrow.AddDays(1), ends_at = Work.Tomorrow.AddDays(1).AddHours(1) }));

            calls.ShouldAllBe(call => call.Status == 200 || call.Status == 409 || call.Status == 422);
            calls.Take(2).ShouldContain(call => call.Status == 200);
            foreach (var report in reports.Append(original))
            {
                var row = await service.QueryAsync(database => database.Reports.AsNoTracking().SingleAsync(found => found.Id == report, Cancelled));
                var changes = await service.QueryAsync(database => database.StatusChanges.AsNoTracking().Where(change => change.ReportId == report).OrderBy(change => change.Version).ToListAsync(Cancelled));
                changes.Select(change => change.Version).ShouldBe(Enumerable.Range(2, changes.Count), "no version is missing");
                row.Version.ShouldBe(changes.Count + 1);
                var status = ReportStatus.Submitted;
                foreach (var change in changes)
                {
                    change.From.ShouldBe(status);
                    (change.To == status || change.Kind == ChangeKind.Reopened || StatusTransitions.Decide(status, change.To, Actor.Staff) == TransitionDecision.Allowed).ShouldBeTrue($"{status} to {change.To}");
                    status = change.To;
                }

                row.Status.ShouldBe(status);
            }
        }
    }
}
