using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The registers of employees, crews and vehicles.</summary>
public sealed class WorkforceTests(ReportingService service)
{
    private const string Employees = $"{Root}/employees";
    private const string Crews = $"{Root}/crews";
    private const string Vehicles = $"{Root}/vehicles";

    [Fact]
    public async Task Only_staff_accounts_become_employees_once()
    {
        using var admin = service.NewUser(Roles.Admin);
        var (agency, user) = (await service.AgencyAsync(), await service.StaffAccountAsync());
        object Body(Guid account, Guid? of) => new { user_id = account, name = " Rana ", job = "field_worker", agency_id = of, skills = new[] { "asphalt", " asphalt" } };

        (await admin.SendJsonAsync(HttpMethod.Post, Employees, Body(Guid.CreateVersion7(), Guid.CreateVersion7()))).Body.BadFields.ShouldBe(["agency_id", "user_id"]);
        var (status, created) = await admin.SendJsonAsync(HttpMethod.Post, Employees, Body(user, agency));

        status.ShouldBe(201, created.ToString());
        created.EnumerateObject().Select(field => field.Name).ShouldBe(["id", "name", "job", "agency_id", "skills", "active", "created_at", "version"]);
        (created.Id, created.GetProperty("name").GetString(), created.GetProperty("job").GetString(), created.GetProperty("skills").ToString())
            .ShouldBe((user, "Rana", "field_worker", """["asphalt"]"""));
        (await admin.SendJsonAsync(HttpMethod.Post, Employees, Body(user, agency))).ShouldBeProblem(409, "employee_exists");
    }

    [Fact]
    public async Task A_manager_manages_the_own_agency_and_sees_what_belongs_to_all()
    {
        var (agency, other) = (await service.AgencyAsync(), await service.AgencyAsync());
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        var (dispatcher, _) = await service.EmployAsync(agency);
        using var moderator = service.NewUser(Roles.Moderator);

        (await dispatcher.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(agency))).ShouldBeProblem(403, "forbidden");
        (await manager.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(other))).ShouldBeProblem(403, "forbidden");
        (await manager.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(null))).ShouldBeProblem(403, "forbidden");
        var own = (await manager.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(agency))).Body.Id;
        var others = (await moderator.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(other))).Body.Id;
        var common = (await moderator.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(null))).Body.Id;

        (await dispatcher.ReadAsync($"{Vehicles}/{own}")).Status.ShouldBe(200);
        (await dispatcher.ReadAsync($"{Vehicles}/{common}")).Status.ShouldBe(200);
        foreach (var path in new[] { $"{Vehicles}/{others}", $"{Vehicles}/{others}/history" })
        {
            (await dispatcher.ReadAsync(path)).Status.ShouldBe(404);
            (await moderator.ReadAsync(path)).Status.ShouldBe(200);
        }

        (await manager.SendJsonAsync(HttpMethod.Patch, $"{Vehicles}/{others}", new { name = "Mine" })).Status.ShouldBe(404);
        (await manager.SendJsonAsync(HttpMethod.Delete, $"{Vehicles}/{others}")).Status.ShouldBe(404);
        (await manager.SendJsonAsync(HttpMethod.Patch, $"{Vehicles}/{common}", new { name = "Mine" })).ShouldBeProblem(403, "forbidden");
        (await manager.SendJsonAsync(HttpMethod.Patch, $"{Vehicles}/{own}", new { agency_id = other })).ShouldBeProblem(403, "forbidden");
        (await manager.SendJsonAsync(HttpMethod.Patch, $"{Vehicles}/{own}", new { agency_id = (Guid?)null })).ShouldBeProblem(403, "forbidden");

    }

    [Fact]
    public async Task A_manager_changes_employees_but_takes_no_account_into_the_register_or_out_of_it()
    {
        var agency = await service.AgencyAsync();
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        using var moderator = service.NewUser(Roles.Moderator);
        var account = await service.StaffAccountAsync();
        using var staff = service.Host.As(account, Roles.Staff);
        var report = await service.FileForAsync(await service.AgencyAsync());
        var body = new { user_id = account, name = "Rana", job = "dispatcher", agency_id = agency };

        // An account without an entry works on all reports: a manager could narrow that for anyone, and free anyone, themselves too.
        (await manager.SendJsonAsync(HttpMethod.Post, Employees, body)).ShouldBeProblem(403, "forbidden");
        (await staff.ReadAsync($"{Root}/{report}/notes")).Status.ShouldBe(200);
        (await moderator.SendJsonAsync(HttpMethod.Post, Employees, body)).Status.ShouldBe(201);
        (await staff.ReadAsync($"{Root}/{report}/notes")).Status.ShouldBe(403);
        (await manager.SendJsonAsync(HttpMethod.Patch, $"{Employees}/{account}", new { job = "field_worker" })).Status.ShouldBe(200);
        (await manager.SendJsonAsync(HttpMethod.Delete, $"{Employees}/{account}")).ShouldBeProblem(403, "forbidden");
        (await moderator.SendJsonAsync(HttpMethod.Delete, $"{Employees}/{account}")).Status.ShouldBe(204);
        manager.Dispose();
    }

    [Fact]
    public async Task A_list_is_searched_by_words_agency_skill_and_activity()
    {
        var agency = await service.AgencyAsync();
        using var admin = service.NewUser(Roles.Admin);
        var word = $"word{Guid.CreateVersion7():N}";
        for (var number = 0; number < 5; number++)
        {
            var user = await service.StaffAccountAsync();
            (await admin.SendJsonAsync(HttpMethod.Post, Employees, new { user_id = user, name = $"{word} 100%_{number}", job = "dispatcher", agency_id = agency, skills = new[] { $"skill {number % 2}" } }))
                .Status.ShouldBe(201);
            await admin.SendJsonAsync(HttpMethod.Post, Crews, new { name = $"Crew {word}", agency_id = agency, members = new[] { user } });
        }

        (await admin.AllPagesAsync($"{Employees}?q={word.ToUpperInvariant()}", 2)).Count.ShouldBe(5);
        (await admin.AllPagesAsync($"{Employees}?agency={agency}", 5)).Select(row => row.Id).ShouldBeUnique();
        (await admin.AllPagesAsync($"{Employees}?q={word}%20%25_3", 2)).ShouldHaveSingleItem();
        (await admin.AllPagesAsync($"{Employees}?agency={agency}&skill=skill%201&active=true", 2)).Count.ShouldBe(2);
        (await admin.AllPagesAsync($"{Employees}?agency={agency}&active=false", 2)).ShouldBeEmpty();
        (await admin.AllPagesAsync($"{Crews}?q={word}&skill=skill%200", 2)).Count.ShouldBe(3);
        (await admin.ReadAsync($"{Crews}?cursor=x")).Body.BadFields.ShouldBe(["cursor"]);
    }

    [Fact]
    public async Task A_crew_has_active_employees_of_its_agency_and_keeps_a_history()
    {
        var agency = await service.AgencyAsync();
        var (_, member) = await service.EmployAsync(agency);
        var (_, stranger) = await service.EmployAsync(await service.AgencyAsync());
        var (_, global) = await service.EmployAsync(null);
        using var admin = service.NewUser(Roles.Admin);

        foreach (var wrong in new[] { stranger, global, Guid.CreateVersion7() })
        {
            (await admin.SendJsonAsync(HttpMethod.Post, Crews, new { name = "North", agency_id = agency, members = new[] { member, wrong } })).Body.BadFields.ShouldBe(["members"]);
        }

        var crew = (await admin.SendJsonAsync(HttpMethod.Post, Crews, new { name = "North", agency_id = agency, members = new[] { member, member } })).Body;
        crew.GetProperty("members").EnumerateArray().Select(id => id.GetGuid()).ShouldBe([member]);
        var path = $"{Crews}/{crew.Id}";
        var (status, problem) = await admin.SendJsonAsync(HttpMethod.Delete, $"{Employees}/{member}");
        (status, problem.Code).ShouldBe((409, "in_use"));
        problem.GetProperty("hangs_on").EnumerateArray().ShouldHaveSingleItem().ToString().ShouldBe($$"""{"kind":"crew","id":"{{crew.Id}}"}""");

        (await admin.SendIfMatchAsync(HttpMethod.Patch, path, "\"7\"", new { name = "South" })).ShouldBeProblem(412, "precondition_failed");
        var (_, changed) = await admin.SendIfMatchAsync(HttpMethod.Patch, path, "\"1\"", new { name = "South", members = Array.Empty<Guid>(), active = false });
        (changed.GetProperty("name").GetString(), changed.GetProperty("members").GetArrayLength(), changed.GetProperty("version").GetInt32()).ShouldBe(("South", 0, 2));
        (await admin.SendJsonAsync(HttpMethod.Patch, path, new { name = "South" })).Body.GetProperty("version").GetInt32().ShouldBe(2, "nothing changes");

        var history = await admin.AllPagesAsync($"{path}/history?x=1", 1);
        history.Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["changed", "created"]);
        history[0].GetProperty("values").ToString().ShouldBe("""{"name":"South","active":false,"members":[]}""");

        // A member who leaves the register, or the agency.
        (await admin.SendJsonAsync(HttpMethod.Patch, path, new { members = new[] { member } })).Status.ShouldBe(200);
        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Employees}/{member}", new { active = false })).Status.ShouldBe(200);
        (await admin.AllPagesAsync($"{path}/history?x=1", 10))[0].GetProperty("values").ToString().ShouldBe("""{"members":[]}""");

        (await admin.SendJsonAsync(HttpMethod.Delete, path)).Status.ShouldBe(204);
        (await admin.ReadAsync($"{path}/history")).Status.ShouldBe(404);
        (await admin.AllPagesAsync($"{Root}/audit-trail?subject={crew.Id}", 2)).Count.ShouldBe(5);
    }

    [Fact]
    public async Task Of_concurrent_changes_of_a_crew_none_is_lost()
    {
        using var admin = service.NewUser(Roles.Admin);
        var crew = (await admin.SendJsonAsync(HttpMethod.Post, Crews, new { name = "North" })).Body.Id;
        var members = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => service.EmployAsync(null)));

        var answers = await Task.WhenAll(members.SelectMany(member => new[]
        {
            admin.SendJsonAsync(HttpMethod.Patch, $"{Crews}/{crew}", new { members = new[] { member.Id } }),
            admin.SendJsonAsync(HttpMethod.Patch, $"{Crews}/{crew}", new { members = members.Select(one => one.Id) }),
        }));

        answers.All(answer => answer.Status == 200 || (answer.Status == 409 && answer.Body.Code == "changed")).ShouldBeTrue();
        var last = answers.Where(answer => answer.Status == 200).MaxBy(answer => answer.Body.GetProperty("version").GetInt32()).Body;
        (await admin.ReadAsync($"{Crews}/{crew}")).Body.ToString().ShouldBe(last.ToString());
    }

    [Fact]
    public async Task A_plate_is_unique()
    {
        using var admin = service.NewUser(Roles.Admin);
        var plate = $"x{Random.Shared.Next(1_000_000, 9_999_999)}";

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => admin.SendJsonAsync(HttpMethod.Post, Vehicles, new { name = "Tipper", plate })));

        answers.Where(answer => answer.Status == 201).ShouldHaveSingleItem().Body.GetProperty("plate").GetString().ShouldBe(plate.ToUpperInvariant());
        answers.Where(answer => answer.Status != 201).All(answer => answer.Status == 409 && answer.Body.Code == "plate_taken").ShouldBeTrue();
        var other = (await admin.SendJsonAsync(HttpMethod.Post, Vehicles, Vehicle(null))).Body.Id;
        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Vehicles}/{other}", new { plate = plate.ToUpperInvariant() })).ShouldBeProblem(409, "plate_taken");
    }

    [Fact]
    public async Task An_employee_who_leaves_has_no_reports_and_crews_and_works_on_nothing()
    {
        var agency = await service.AgencyAsync();
        var (client, employee) = await service.EmployAsync(agency);
        var (manager, managerId) = await service.EmployAsync(agency, Job.Manager);
        var report = await service.FileForAsync(agency);
        (await manager.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = employee })).Status.ShouldBe(200);
        var crew = (await manager.SendJsonAsync(HttpMethod.Post, Crews, new { name = "North", agency_id = agency, members = new[] { employee } })).Body.Id;
        (await client.ReadAsync($"{Root}/{report}/notes")).Status.ShouldBe(200);
        var closed = await service.FileForAsync(agency);
        (await manager.SendJsonAsync(HttpMethod.Post, $"{Root}/{closed}/assign", new { employee_id = employee })).Status.ShouldBe(200);
        (await manager.ChangeStatusAsync(closed, new { status = "rejected" })).Status.ShouldBe(200);

        (await manager.SendJsonAsync(HttpMethod.Patch, $"{Employees}/{employee}", new { active = false })).Body.GetProperty("version").GetInt32().ShouldBe(2);

        (await client.ReadAsync($"{Root}/{report}/notes")).ShouldBeProblem(403, "forbidden");
        (await client.ReadAsync($"{Employees}/{employee}")).Status.ShouldBe(404);
        (await manager.ReadAsync($"{Crews}/{crew}")).Body.GetProperty("members").GetArrayLength().ShouldBe(0);
        var kept = await service.QueryAsync(database => database.Reports.AsNoTracking().SingleAsync(row => row.Id == report));
        (kept.AssigneeId, kept.Version).ShouldBe((null, 3));
        (await manager.SendJsonAsync(HttpMethod.Post, $"{Root}/{closed}/reopen", new { reason = "Look again" })).Status.ShouldBe(200);
        (await service.QueryAsync(database => database.Reports.AnyAsync(row => row.AssigneeId == employee))).ShouldBeFalse("a reopened report has no employee who has left");
        var told = (await service.Tap.WaitForAsync(ReportAssigned.Type, data => data.GetProperty("report_id").GetGuid() == report && data.GetProperty("version").GetInt32() == 3)).GetProperty("data");
        (told.GetProperty("employee_id").ValueKind, told.GetProperty("assigned_by").GetGuid()).ShouldBe((JsonValueKind.Null, managerId));
        (await manager.SendJsonAsync(HttpMethod.Post, Crews, new { name = "South", agency_id = agency, members = new[] { employee } })).Body.BadFields.ShouldBe(["members"]);
    }

    [Fact]
    public async Task Nothing_is_given_to_an_employee_who_leaves_meanwhile()
    {
        var agency = await service.AgencyAsync();
        var (_, employee) = await service.EmployAsync(agency);
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        var reports = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => service.FileForAsync(agency)));

        var answers = await Task.WhenAll(
        [
            .. reports.Select(report => manager.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = employee })),
            manager.SendJsonAsync(HttpMethod.Post, Crews, new { name = "North", agency_id = agency, members = new[] { employee } }),
            manager.SendJsonAsync(HttpMethod.Patch, $"{Employees}/{employee}", new { active = false }),
        ]);

        answers[^1].Status.ShouldBe(200);
        answers.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 201 || answer.Status == 400);
        (await service.QueryAsync(database => database.Reports.AnyAsync(row => row.AssigneeId == employee))).ShouldBeFalse();
        (await service.QueryAsync(database => database.CrewMembers.AnyAsync(row => row.UserId == employee))).ShouldBeFalse();
    }

    private static object Vehicle(Guid? agency) => new { name = "Tipper", plate = Guid.CreateVersion7().ToString("N")[12..], agency_id = agency };
}

/// <summary>Accounts that join and leave the staff. Alone: another service of the same queue would take events away.</summary>
[Collection(typeof(Alone))]
public sealed class StaffAccountTests(ReportingService service)
{
    private const string Employees = $"{Root}/employees";

    [Fact]
    public async Task An_account_that_loses_its_role_leaves_and_an_older_event_does_not_bring_it_back()
    {
        using var admin = service.NewUser(Roles.Admin);
        var (user, changedBy, agency, now) = (Guid.CreateVersion7(), Guid.CreateVersion7(), await service.AgencyAsync(), TimeProvider.System.GetUtcNow());
        var report = await service.FileForAsync(agency);
        var body = new { user_id = user, name = "Rana Khalil", job = "dispatcher", agency_id = agency };
        await service.Tap.PublishAsync(new UserRolesChanged(user, ["citizen", "staff"], changedBy), time: now);
        await Eventually.TrueAsync(async () => (await admin.SendJsonAsync(HttpMethod.Post, Employees, body)).Status == 201, "the staff account");
        (await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = user })).Status.ShouldBe(200);

        await service.Tap.PublishAsync(new UserRolesChanged(user, ["citizen"], changedBy), time: now.AddSeconds(1));
        await Eventually.TrueAsync(async () => !(await admin.ReadAsync($"{Employees}/{user}")).Body.GetProperty("active").GetBoolean(), "the departure");
        await service.Tap.PublishAsync(new UserRolesChanged(user, ["citizen", "admin"], changedBy), time: now.AddMilliseconds(500));
        await service.Tap.EraseAsync(Guid.CreateVersion7(), ResourceNames.Reporting); // queued after it

        var left = (await admin.ReadAsync($"{Employees}/{user}")).Body;
        (left.GetProperty("name").GetString(), left.GetProperty("version").GetInt32()).ShouldBe(("", 2));
        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Employees}/{user}", new { active = true })).Body.BadFields.ShouldBe(["active"]);
        (await service.QueryAsync(database => database.Reports.Where(row => row.Id == report).Select(row => row.AssigneeId).SingleAsync())).ShouldBeNull();
        var entry = (await admin.AllPagesAsync($"{Employees}/{user}/history?x=1", 5))[0];
        (entry.GetProperty("action").GetString(), entry.GetProperty("actor_id").GetGuid()).ShouldBe(("left", changedBy));
    }

    [Fact]
    public async Task A_disabled_account_gets_no_calendar_and_no_new_work_until_it_is_enabled_again()
    {
        var (agency, now) = (await service.AgencyAsync(), TimeProvider.System.GetUtcNow());
        var (employee, user) = await service.EmployAsync(agency);
        using var anonymous = service.Host.Anonymous();
        using var admin = service.NewUser(Roles.Admin);
        var report = await service.FileForAsync(agency);
        var paths = new List<string?>();
        foreach (var body in (object[])[new { crew_id = await service.CrewAsync(agency) }, new { }])
        {
            paths.Add((await employee.CreatedAsync("calendars", body)).GetProperty("path").GetString());
        }

        await ChangedAsync(disabled: true, now.AddSeconds(1));
        await ReachAsync(404);

        // An event from before.
        await ChangedAsync(disabled: false, now);
        await service.Tap.EraseAsync(Guid.CreateVersion7(), ResourceNames.Reporting); // queued after it
        await ReachAsync(404);
        var entry = (await employee.ReadAsync($"{Employees}/{user}")).Body;
        (entry.GetProperty("name").GetString(), entry.GetProperty("active").GetBoolean(), entry.GetProperty("version").GetInt32()).ShouldBe(("Rana Khalil", true, 1), "the employee stays");
        (await AssignAsync()).Body.BadFields.ShouldBe(["employee_id"]);
        (await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/crews", new { name = "Night crew", agency_id = agency, members = new[] { user } })).Body.BadFields.ShouldBe(["members"]);

        await ChangedAsync(disabled: false, now.AddSeconds(2));
        await ReachAsync(200);
        (await AssignAsync()).Status.ShouldBe(200);
        employee.Dispose();

        Task<(int Status, JsonElement Body)> AssignAsync() => admin.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = user });

        Task ChangedAsync(bool disabled, DateTimeOffset time) => service.Tap.PublishAsync(new UserRolesChanged(user, ["citizen", "staff"], Guid.CreateVersion7(), disabled), time: time);

        async Task ReachAsync(int status)
        {
            foreach (var path in paths)
            {
                await Eventually.TrueAsync(
                    async () =>
                    {
                        using var response = await anonymous.GetAsync(path, Cancelled);
                        return (int)response.StatusCode == status;
                    },
                    $"{status} of the calendar");
            }
        }
    }

    [Fact]
    public async Task A_deleted_employee_is_nowhere_and_their_notes_and_deeds_stay()
    {
        var agency = await service.AgencyAsync();
        var (client, user) = await service.EmployAsync(agency, Job.Manager);
        var (reports, other) = (await Task.WhenAll(service.FileForAsync(agency), service.FileForAsync(agency)), service.NewUser(Roles.Moderator));
        foreach (var report in reports)
        {
            (await client.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = user, comment = "Mine" })).Status.ShouldBe(200);
        }

        (await client.ChangeStatusAsync(reports[0], new { status = "rejected" })).Status.ShouldBe(200);
        var crew = (await client.SendJsonAsync(HttpMethod.Post, $"{Root}/crews", new { name = "North", agency_id = agency, members = new[] { user } })).Body.Id;
        using (var auth = service.Host.AsService())
        {
            var export = (await auth.ReadAsync($"/internal/v1/users/{user}/export")).Body;
            export.GetProperty("employee")[0].GetProperty("name").GetString().ShouldBe("Rana Khalil");
            export.GetProperty("notes").EnumerateArray().Select(note => note.GetProperty("text").GetString()).ShouldBe(["Mine", "Mine"]);
            export.GetProperty("actions").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["assigned", "assigned", "rejected", "created"]);
        }

        using var queries = PersonQueries.Record(user);
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        (await queries.ScansAsync(service.Host.Database)).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        var notes = await other.AllPagesAsync($"{Root}/{reports[1]}/notes?x=1", 5);
        notes.ShouldHaveSingleItem().GetProperty("author_id").GetGuid().ShouldBe(Guid.Empty);
        var trail = await other.AllPagesAsync($"{Root}/audit-trail?subject={crew}", 5);
        trail.Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["changed", "created"]);
        trail[1].GetProperty("values").GetProperty("members")[0].GetGuid().ShouldBe(Guid.Empty);
        (await other.ReadAsync($"{Root}/crews/{crew}")).Body.GetProperty("members").GetArrayLength().ShouldBe(0);
    }
}
