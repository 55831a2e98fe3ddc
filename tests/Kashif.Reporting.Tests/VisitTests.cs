using Kashif.Messaging.Events;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Visits: slots that never overlap, appointments, and what a completed visit means.</summary>
public sealed class VisitTests(ReportingService service)
{
    [Fact]
    public async Task One_of_many_concurrent_requests_gets_a_slot()
    {
        using var staff = service.NewUser(Roles.Staff);
        var (crew, vehicle) = (await service.CrewAsync(), await service.VehicleAsync());
        Guid[] orders = [.. await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => (await staff.OrderAsync()).Id))];

        var calls = await Task.WhenAll(Enumerable.Range(0, 64).Select(index => staff.SendAsync(HttpMethod.Post, "visits", new
        {
            work_order_id = orders[index % orders.Length],
            crew_id = index % 3 == 1 ? null : (Guid?)crew,
            vehicle_id = index % 3 == 2 ? null : (Guid?)vehicle,
            starts_at = Work.Tomorrow.AddMinutes(index),
            ends_at = Work.Tomorrow.AddMinutes(index + 120),
        })));

        // With a crew alone and a vehicle alone, two can stand side by side; never two of the same.
        calls.Where(call => call.Status != 201).Select(call => (call.Status, call.Body.Code)).Except([(409, "crew_busy"), (409, "vehicle_busy")]).ShouldBeEmpty();
        var taken = calls.Where(call => call.Status == 201).ToArray();
        taken.Length.ShouldBeInRange(1, 2);
        foreach (var resource in (string[])["crew_id", "vehicle_id"])
        {
            taken.Count(call => call.Body.GetProperty(resource).GetString() is not null).ShouldBe(1, resource);
        }

        var refusal = calls.First(call => call.Status == 409).Body.GetProperty("visit");
        taken.Select(call => call.Body.Id).ShouldContain(refusal.Id);
        refusal.GetProperty("starts_at").GetDateTimeOffset().ShouldBeGreaterThanOrEqualTo(Work.Tomorrow);
    }

    [Fact]
    public async Task No_way_to_write_a_visit_makes_slots_overlap()
    {
        using var staff = service.NewUser(Roles.Staff);
        var (crew, other) = (await service.CrewAsync(), await service.CrewAsync());
        var order = await staff.OrderAsync(crew);
        var first = await staff.VisitAsync(order.Id, Work.Tomorrow);
        var second = await staff.VisitAsync(order.Id, Work.Tomorrow.AddHours(2)); // begins when the first ends

        var (moved, problem) = await staff.SendAsync(HttpMethod.Post, $"visits/{second.Id}/move", new { starts_at = Work.Tomorrow.AddHours(1), ends_at = Work.Tomorrow.AddHours(3) });
        (moved, problem.Code, problem.GetProperty("visit").Id).ShouldBe((409, "crew_busy", first.Id));
        var elsewhere = await staff.CreatedAsync("visits", new { work_order_id = order.Id, crew_id = other, starts_at = Work.Tomorrow, ends_at = Work.Tomorrow.AddHours(1) });
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{elsewhere.Id}", new { crew_id = crew })).Body.Code.ShouldBe("crew_busy");

        foreach (var sql in (string[])
            [
                $"UPDATE visits SET crew_id = '{crew}' WHERE id = '{elsewhere.Id}'",
                $"UPDATE visits SET ends_at = ends_at + interval '1 minute' WHERE id = '{first.Id}'",
                $"INSERT INTO visits SELECT (jsonb_populate_record(visits, jsonb_build_object('id', gen_random_uuid(), 'state', 'proposed'))).* FROM visits WHERE id = '{first.Id}'",
            ])
        {
            (await Should.ThrowAsync<PostgresException>(() => service.QueryAsync(database => database.Database.ExecuteSqlRawAsync(sql, Cancelled)))).SqlState.ShouldBe(PostgresErrorCodes.ExclusionViolation);
        }

        // A visit that is off holds nothing.
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{first.Id}", new { state = "cancelled" })).Status.ShouldBe(200);
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{elsewhere.Id}", new { crew_id = crew })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_reporter_chooses_an_offered_slot_and_learns_nothing_of_the_crew()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out var user);
        using var stranger = service.NewUser();
        var report = (await reporter.FileAsync()).Id;
        var crew = await service.CrewAsync();
        var order = await staff.OrderAsync(crew, report);
        var later = new { starts_at = Work.Tomorrow.AddDays(1), ends_at = Work.Tomorrow.AddDays(1).AddHours(1) };
        var visit = await staff.VisitAsync(order.Id, Work.Tomorrow, report: report, alternatives: [later]);
        visit.GetProperty("state").GetString().ShouldBe("proposed");

        var mine = (await reporter.AllPagesAsync($"{Root}/visits/mine?", 10)).ShouldHaveSingleItem();
        (mine.Id, mine.GetProperty("crew_id").GetString(), mine.GetProperty("work_order_id").GetString()).ShouldBe((visit.Id, null, null));
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Get, ""), (HttpMethod.Post, "/confirm")])
        {
            (await stranger.SendAsync(method, $"visits/{visit.Id}{path}", method == HttpMethod.Get ? null : Work.Slot(visit))).Status.ShouldBe(404);
        }

        (await stranger.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", later)).Status.ShouldBe(404);
        (await reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/complete", new { })).Status.ShouldBe(403);
        (await reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/confirm", Work.Slot(visit))).Body.GetProperty("state").GetString().ShouldBe("confirmed");
        (await reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = Work.Tomorrow.AddDays(2), ends_at = Work.Tomorrow.AddDays(2).AddHours(1) })).Body.Code
            .ShouldBe("slot_not_offered");
        var (status, moved) = await reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", later, "\"2\"");
        (status, moved.GetProperty("state").GetString(), moved.GetProperty("starts_at").GetDateTimeOffset()).ShouldBe((200, "confirmed", later.starts_at));
        moved.GetProperty("alternatives")[0].GetProperty("starts_at").GetDateTimeOffset().ShouldBe(Work.Tomorrow, "the former slot");

        var told = (await service.Tap.WaitForAsync(VisitMoved.Type, data => data.GetProperty("visit_id").GetGuid() == visit.Id)).GetProperty("data");
        (told.GetProperty("user_id").GetGuid(), told.GetProperty("version").GetInt32(), told.GetProperty("time_zone").GetString()).ShouldBe((user, 3, "Europe/Berlin"));

        // Someone is at home then: the public does not learn when.
        using var anonymous = service.Host.Anonymous();
        var history = await anonymous.AllPagesAsync($"{Root}/{report}/history?", 20);
        history.Where(entry => entry.GetProperty("kind").GetString() == "visit").Select(entry => entry.GetProperty("details").ToString())
            .ShouldBe(["{\"event\":\"scheduled\"}", "{\"event\":\"confirmed\"}", "{\"event\":\"moved\"}"], ignoreOrder: false);
    }

    [Fact]
    public async Task A_taken_alternative_is_refused_without_telling_what_is_in_the_way()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var report = (await reporter.FileAsync()).Id;
        var order = await staff.OrderAsync(await service.CrewAsync(), report);
        var later = new { starts_at = Work.Tomorrow.AddDays(1), ends_at = Work.Tomorrow.AddDays(1).AddHours(1) };
        var visit = await staff.VisitAsync(order.Id, Work.Tomorrow, report: report, alternatives: [later]);
        await staff.VisitAsync(order.Id, later.starts_at);

        var (status, problem) = await reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", later);

        (status, problem.Code, problem.TryGetProperty("visit", out _)).ShouldBe((409, "crew_busy", false));
    }

    [Fact]
    public async Task The_last_visit_completes_the_work_order_and_its_reports()
    {
        using var staff = service.NewUser(Roles.Staff);
        var report = (await service.FileAsync()).Id;
        var order = await staff.OrderAsync(await service.CrewAsync(), report);
        var first = await staff.VisitAsync(order.Id, Work.Tomorrow);
        var last = await staff.VisitAsync(order.Id, Work.Tomorrow.AddDays(1));
        (await StateAsync()).ShouldBe(("scheduled", "in_progress"));

        (await staff.SendAsync(HttpMethod.Post, $"visits/{first.Id}/complete", new { outcome = "resolved" })).Status.ShouldBe(200);
        (await StateAsync()).ShouldBe(("in_progress", "in_progress"));
        (await staff.SendAsync(HttpMethod.Post, $"visits/{last.Id}/complete", new { outcome = "resolved", comment = "Filled." })).Status.ShouldBe(200);
        (await StateAsync()).ShouldBe(("completed", "resolved"));

        (await staff.SendAsync(HttpMethod.Post, $"visits/{last.Id}/complete", new { })).Body.Code.ShouldBe("visit_closed");
        (await staff.SendAsync(HttpMethod.Delete, $"visits/{last.Id}")).Body.Code.ShouldBe("visit_completed");
        (await staff.SendAsync(HttpMethod.Delete, $"work-orders/{order.Id}")).Body.GetProperty("hangs_on").GetArrayLength().ShouldBe(2);
        (await staff.SendAsync(HttpMethod.Post, "visits", new { work_order_id = order.Id, starts_at = Work.Tomorrow, ends_at = Work.Tomorrow.AddHours(1) })).Body.Code.ShouldBe("work_order_closed");

        async Task<(string?, string?)> StateAsync() => (
            (await staff.ReadAsync($"{Root}/work-orders/{order.Id}")).Body.GetProperty("state").GetString(),
            (await staff.ReadAsync($"{Root}/{report}")).Body.GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_unresolved_visit_leaves_the_reports_and_a_cancelled_work_order_cancels_its_visits()
    {
        using var staff = service.NewUser(Roles.Staff);
        var report = (await service.FileAsync()).Id;
        var order = await staff.OrderAsync(await service.CrewAsync(), report);
        var first = await staff.VisitAsync(order.Id, Work.Tomorrow);
        (await staff.SendAsync(HttpMethod.Post, $"visits/{first.Id}/complete", new { outcome = "unresolved", comment = "No parts." })).Status.ShouldBe(200);
        (await staff.ReadAsync($"{Root}/{report}")).Body.GetProperty("status").GetString().ShouldBe("in_progress");

        var next = await staff.VisitAsync(order.Id, Work.Tomorrow.AddDays(1));
        (await staff.SendAsync(HttpMethod.Patch, $"work-orders/{order.Id}", new { state = "cancelled" })).Status.ShouldBe(200);
        (await staff.ReadAsync($"{Root}/visits/{next.Id}")).Body.GetProperty("state").GetString().ShouldBe("cancelled");
        (await staff.ReadAsync($"{Root}/visits/{first.Id}")).Body.GetProperty("state").GetString().ShouldBe("completed");
        await service.Tap.WaitForAsync(VisitCancelled.Type, data => data.GetProperty("visit_id").GetGuid() == next.Id);
    }

    [Fact]
    public async Task Visits_are_listed_by_time_in_pages_and_checked()
    {
        using var staff = service.NewUser(Roles.Staff);
        var crew = await service.CrewAsync();
        var order = await staff.OrderAsync(crew);
        var visits = new List<Guid>();
        foreach (var hour in (int[])[4, 0, 2])
        {
            visits.Add((await staff.VisitAsync(order.Id, Work.Tomorrow.AddHours(hour), hours: 1)).Id);
        }

        (await staff.AllPagesAsync($"{Root}/visits?crew={crew}", 1)).Select(visit => visit.Id).ShouldBe([visits[1], visits[2], visits[0]]);
        var from = Uri.EscapeDataString(Work.Tomorrow.AddHours(1).ToString("O"));
        (await staff.AllPagesAsync($"{Root}/visits?crew={crew}&state=confirmed&from={from}", 3)).Count.ShouldBe(2);
        (await staff.SendAsync(HttpMethod.Post, "visits", new { work_order_id = order.Id, starts_at = Work.Tomorrow, ends_at = Work.Tomorrow })).Body.BadFields.ShouldBe(["ends_at"]);
        (await staff.SendAsync(HttpMethod.Post, "visits", new { work_order_id = (await staff.OrderAsync()).Id, starts_at = Work.Tomorrow, ends_at = Work.Tomorrow.AddHours(1) })).Body.BadFields
            .ShouldBe(["crew_id"]);
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{visits[0]}", new { alternatives = new object?[] { null } })).Body.BadFields.ShouldBe(["alternatives"]);
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{visits[0]}", new { state = "completed" })).Body.BadFields.ShouldBe(["state"]);
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{visits[0]}", new { note = "Ring twice." }, "\"7\"")).Status.ShouldBe(412);
    }

    [Fact]
    public async Task Visits_are_found_by_words_of_the_work_order_and_of_the_reports_that_the_caller_may_see()
    {
        var (agency, employee) = await service.AgencyWithEmployeeAsync();
        using var moderator = service.NewUser(Roles.Moderator);
        using var reporter = service.Citizen(out _);
        var (ofOrder, ofReport) = ($"o{Guid.CreateVersion7():N}", $"r{Guid.CreateVersion7():N}");
        var report = (await reporter.FileAsync(title: $"Hole 100%_ {ofReport}")).Id;
        await service.QueryAsync(database => database.Reports.Where(row => row.Id == report)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.AgencyId, agency).SetProperty(row => row.RoutedByHand, true), Cancelled));
        var order = (await employee.CreatedAsync("work-orders", new { title = $"Fill {ofOrder}", crew_id = await service.CrewAsync(), reports = new[] { report } })).Id;
        Guid[] visits = [(await employee.VisitAsync(order, Work.Tomorrow)).Id, (await employee.VisitAsync(order, Work.Tomorrow.AddHours(2), report: report)).Id];

        (await FindAsync(employee, $"FILL {ofOrder}")).ShouldBe(visits);
        (await FindAsync(employee, ofReport.ToUpperInvariant())).ShouldBe(visits);
        (await FindAsync(employee, $"{ofOrder} 100%_ {ofReport}")).ShouldBe(visits, "each word in one of the titles");
        (await FindAsync(employee, $"{ofReport} 100__")).ShouldBeEmpty("no wildcards");
        (await FindAsync(employee, $"{ofOrder} absent")).ShouldBeEmpty();
        (await employee.ReadAsync($"{Root}/visits?q={new string('x', 101)}")).Status.ShouldBe(400);

        // Another agency's report: its words find the visits only while everyone may read them.
        var other = await service.AgencyAsync();
        await SetAsync(isPrivate: false, isHidden: false);
        (await FindAsync(employee, ofReport)).ShouldBe(visits);
        foreach (var (isPrivate, isHidden) in ((bool, bool)[])[(true, false), (false, true)])
        {
            await SetAsync(isPrivate, isHidden);
            (await FindAsync(employee, ofReport)).ShouldBeEmpty();
            (await FindAsync(employee, ofOrder)).ShouldBe(visits);
            (await FindAsync(moderator, ofReport)).ShouldBe(visits);
        }

        async Task<Guid[]> FindAsync(HttpClient client, string words) =>
            [.. (await client.AllPagesAsync($"{Root}/visits?q={Uri.EscapeDataString(words)}", 1)).Select(visit => visit.Id)];

        Task<int> SetAsync(bool isPrivate, bool isHidden) => service.QueryAsync(database => database.Reports.Where(row => row.Id == report).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.AgencyId, other).SetProperty(row => row.Private, isPrivate).SetProperty(row => row.Hidden, isHidden), Cancelled));
    }

    [Fact]
    public async Task A_confirmation_names_the_slot_that_it_confirms()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var visit = await service.ProposedAsync(staff, reporter);
        var path = $"visits/{visit.Id}/confirm";
        var seen = Work.Slot(visit);

        (await reporter.SendAsync(HttpMethod.Post, path, new { })).Status.ShouldBe(400);
        foreach (var (starts, ends) in ((int, int)[])[(1, 0), (0, 1)])
        {
            var other = new { starts_at = Work.Tomorrow.AddHours(starts), ends_at = Work.Tomorrow.AddHours(2 + ends) };
            (await reporter.SendAsync(HttpMethod.Post, path, other)).ShouldBeProblem(409, "visit_moved");
            (await staff.SendAsync(HttpMethod.Post, path, other)).ShouldBeProblem(409, "visit_moved");
        }

        (await service.VisitStateAsync(visit.Id)).ShouldBe(("proposed", Work.Tomorrow));
        (await reporter.SendAsync(HttpMethod.Post, path, seen, "\"7\"")).Status.ShouldBe(412);
        (await reporter.SendAsync(HttpMethod.Post, path, seen)).Body.GetProperty("version").GetInt32().ShouldBe(2);
        (await reporter.SendAsync(HttpMethod.Post, path, seen)).Body.GetProperty("version").GetInt32().ShouldBe(2, "confirmed already");
    }
}
