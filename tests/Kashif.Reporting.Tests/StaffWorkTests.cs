using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Assignment, internal notes, response templates and the audit trail.</summary>
public sealed class StaffWorkTests(ReportingService service)
{
    private const string Templates = $"{Root}/response-templates";
    private const string Trail = $"{Root}/audit-trail";

    [Fact]
    public async Task A_report_is_assigned_to_an_employee_who_works_on_it()
    {
        var agency = await service.AgencyAsync();
        var (dispatcher, dispatcherId) = await service.EmployAsync(agency);
        var (_, worker) = await service.EmployAsync(agency, Job.FieldWorker);
        var (stranger, strangerId) = await service.EmployAsync(await service.AgencyAsync());
        using var owner = service.Citizen(out _);
        var report = await service.FileForAsync(agency, owner);
        var path = $"{Root}/{report}/assign";

        (await owner.SendJsonAsync(HttpMethod.Post, path, new { employee_id = worker })).ShouldBeProblem(403, "forbidden");
        (await stranger.SendJsonAsync(HttpMethod.Post, path, new { employee_id = worker })).ShouldBeProblem(403, "forbidden");
        (await dispatcher.SendJsonAsync(HttpMethod.Post, path, new { employee_id = strangerId })).Body.BadFields.ShouldBe(["employee_id"]);
        (await dispatcher.SendJsonAsync(HttpMethod.Post, path, new { comment = "?" })).Status.ShouldBe(400);
        (await dispatcher.SendIfMatchAsync(HttpMethod.Post, path, "\"2\"", new { employee_id = worker })).ShouldBeProblem(412, "precondition_failed");
        var (status, assigned) = await dispatcher.SendIfMatchAsync(HttpMethod.Post, path, "\"1\"", new { employee_id = worker, comment = "Measure it" });

        status.ShouldBe(200, assigned.ToString());
        (assigned.GetProperty("employee_id").GetGuid(), assigned.GetProperty("version").GetInt32()).ShouldBe((worker, 2));
        (await dispatcher.SendJsonAsync(HttpMethod.Post, path, new { employee_id = worker })).Body.GetProperty("version").GetInt32().ShouldBe(2, "nothing changes");
        var told = (await service.Tap.WaitForAsync(ReportAssigned.Type, data => data.GetProperty("report_id").GetGuid() == report)).GetProperty("data");
        (told.GetProperty("employee_id").GetGuid(), told.GetProperty("assigned_by").GetGuid()).ShouldBe((worker, dispatcherId));

        using var anyone = service.Host.Anonymous();
        var history = (await anyone.ReadAsync($"{Root}/{report}/history")).Body;
        history.GetProperty("items").EnumerateArray().Last().GetProperty("kind").GetString().ShouldBe("assigned");
        history.ToString().ShouldNotContain(worker.ToString());
        history.ToString().ShouldNotContain("Measure");
        (await dispatcher.AllPagesAsync($"{Root}/{report}/notes?x=1", 5)).ShouldHaveSingleItem().GetProperty("text").GetString().ShouldBe("Measure it");

        (await dispatcher.ChangeStatusAsync(report, new { status = "rejected" })).Status.ShouldBe(200);
        (await dispatcher.SendJsonAsync(HttpMethod.Post, path, new { employee_id = dispatcherId })).ShouldBeProblem(422, "report_closed");
        (await dispatcher.SendJsonAsync(HttpMethod.Post, path, new { employee_id = (Guid?)null })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Another_agency_takes_the_employee_away_and_all_are_told()
    {
        var (agency, other) = (await service.AgencyAsync(), await service.AgencyAsync());
        var (_, worker) = await service.EmployAsync(agency);
        using var staff = service.NewUser(Roles.Moderator);
        var (routed, edited) = (await service.FileForAsync(agency), await service.FileForAsync(agency));
        foreach (var report in (Guid[])[routed, edited])
        {
            (await staff.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = worker })).Status.ShouldBe(200);
        }

        (await staff.SendJsonAsync(HttpMethod.Post, $"{Root}/{routed}/route", new { agency_id = other })).Status.ShouldBe(200);
        (await staff.SendJsonAsync(HttpMethod.Patch, $"{Root}/{edited}", new { category = "noise", reason = "It is loud" })).Status.ShouldBe(200);

        foreach (var report in (Guid[])[routed, edited])
        {
            var told = (await service.Tap.WaitForAsync(ReportAssigned.Type, data => data.GetProperty("report_id").GetGuid() == report && data.GetProperty("version").GetInt32() == 3)).GetProperty("data");
            told.GetProperty("employee_id").ValueKind.ShouldBe(JsonValueKind.Null);
            (await service.QueryAsync(database => database.AuditEntries.Where(entry => entry.SubjectId == report && entry.Action == "assigned").OrderBy(entry => entry.Id)
                .Select(entry => entry.Values).ToListAsync(Cancelled))).Select(values => values?.GetProperty("employee_id").ToString()).ShouldBe([worker.ToString(), ""]);
        }
    }

    [Fact]
    public async Task Of_two_dispatchers_one_assigns_at_a_time_and_the_history_equals_the_state()
    {
        var agency = await service.AgencyAsync();
        var people = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => service.EmployAsync(agency)));
        var report = await service.FileForAsync(agency);

        var first = await Task.WhenAll(people.Select(person => person.Client.SendIfMatchAsync(HttpMethod.Post, $"{Root}/{report}/assign", "\"1\"", new { employee_id = person.Id })));
        var later = await Task.WhenAll(people.Select(person => person.Client.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = person.Id })));

        first.Count(answer => answer.Status == 200).ShouldBe(1);
        first.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 412);
        later.All(answer => answer.Status == 200 || (answer.Status == 409 && answer.Body.Code == "report_changed")).ShouldBeTrue();
        var state = await service.QueryAsync(database => database.Reports.AsNoTracking().SingleAsync(row => row.Id == report));
        var versions = await service.QueryAsync(database => database.StatusChanges.Where(change => change.ReportId == report).OrderBy(change => change.Version).Select(change => change.Version).ToListAsync(Cancelled));
        versions.ShouldBe(Enumerable.Range(2, state.Version - 1));
        var last = await service.QueryAsync(database => database.AuditEntries.Where(entry => entry.SubjectId == report).OrderByDescending(entry => entry.At).FirstAsync());
        last.Values?.GetProperty("employee_id").GetGuid().ShouldBe(state.AssigneeId.GetValueOrDefault());
    }

    [Fact]
    public async Task Notes_are_for_the_staff_who_work_on_the_report()
    {
        var agency = await service.AgencyAsync();
        var (author, authorId) = await service.EmployAsync(agency);
        var (colleague, _) = await service.EmployAsync(agency);
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        var (stranger, _) = await service.EmployAsync(await service.AgencyAsync(), Job.Manager);
        using var owner = service.Citizen(out _);
        var report = await service.FileForAsync(agency, owner);
        var path = $"{Root}/{report}/notes";

        (await author.SendJsonAsync(HttpMethod.Post, path, new { text = " " })).Body.BadFields.ShouldBe(["text"]);
        var (status, note) = await author.SendJsonAsync(HttpMethod.Post, path, new { text = " The contractor comes on Monday. " });

        status.ShouldBe(201);
        note.EnumerateObject().Select(field => field.Name).ShouldBe(["id", "author_id", "text", "created_at", "edited_at"]);
        (note.GetProperty("author_id").GetGuid(), note.GetProperty("text").GetString()).ShouldBe((authorId, "The contractor comes on Monday."));
        foreach (var other in new[] { owner, stranger })
        {
            (await other.ReadAsync(path)).ShouldBeProblem(403, "forbidden");
            (await other.SendJsonAsync(HttpMethod.Post, path, new { text = "Mine" })).ShouldBeProblem(403, "forbidden");
            (await other.SendJsonAsync(HttpMethod.Patch, $"{path}/{note.Id}", new { text = "Mine" })).ShouldBeProblem(403, "forbidden");
            (await other.SendJsonAsync(HttpMethod.Delete, $"{path}/{note.Id}")).ShouldBeProblem(403, "forbidden");
        }

        (await colleague.ReadAsync(path)).Body.GetProperty("items").GetArrayLength().ShouldBe(1);
        (await colleague.SendJsonAsync(HttpMethod.Patch, $"{path}/{note.Id}", new { text = "Mine" })).ShouldBeProblem(403, "forbidden");
        (await author.SendJsonAsync(HttpMethod.Patch, $"{path}/{note.Id}", new { text = "On Tuesday" })).Body.GetProperty("edited_at").ValueKind.ShouldBe(JsonValueKind.String);
        (await manager.SendJsonAsync(HttpMethod.Delete, $"{path}/{note.Id}")).Status.ShouldBe(204);
        (await manager.SendJsonAsync(HttpMethod.Delete, $"{path}/{note.Id}")).Status.ShouldBe(404);
        (await author.AllPagesAsync($"{path}?x=1", 5)).ShouldBeEmpty();
        (await manager.AllPagesAsync($"{Trail}?subject={note.Id}", 5)).Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["deleted", "changed"]);
    }

    [Fact]
    public async Task A_note_is_on_no_surface_of_the_public_and_the_owner()
    {
        var word = $"secret{Guid.CreateVersion7():N}";
        using var staff = service.NewUser(Roles.Staff);
        using var owner = service.Citizen(out var ownerId);
        using var anyone = service.Host.Anonymous();
        using var auth = service.Host.AsService();
        using var follower = service.Citizen(out _);
        var report = (await owner.FileAsync(-33.31, -71.53)).Id;
        (await follower.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/follow")).Status.ShouldBe(200);
        (await staff.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/notes", new { text = word })).Status.ShouldBe(201);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200); // an event after the note

        foreach (var path in new[]
        {
            $"{Root}/{report}", $"{Root}/{report}/history", $"{Root}/{report}/timeline", $"{Root}/{report}/comments", $"{Root}/my-reports", $"{Root}?q={word}",
            $"{Root}?latitude=-33.31&longitude=-71.53&radius_km=1", $"{Root}/sync", $"/open311/v2/requests/{report}.json?extensions=true", $"{Root}/export?format=csv",
            $"{Root}/export?format=geojson",
        })
        {
            foreach (var client in new[] { owner, anyone })
            {
                using var response = await client.GetAsync(path, Cancelled);
                (await response.Content.ReadAsStringAsync(Cancelled)).ShouldNotContain(word, customMessage: path);
            }
        }

        var export = (await auth.ReadAsync($"/internal/v1/users/{ownerId}/export")).Body;
        export.GetProperty("reports").GetArrayLength().ShouldBe(1);
        export.ToString().ShouldNotContain(word);
        await service.Tap.WaitForAsync(ReportStatusUpdated.Type, data => data.GetProperty("report_id").GetGuid() == report);
        (await service.QueryAsync(async database => (await Kashif.Testing.DatabaseScan.TablesWithAsync(service.Host.Database, word)).ToArray())).ShouldBe(["report_notes"]);
    }

    [Fact]
    public async Task A_template_is_rendered_for_a_report_in_both_languages()
    {
        var agency = await service.AgencyAsync();
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        var (stranger, _) = await service.EmployAsync(await service.AgencyAsync());
        var report = await service.FileForAsync(agency);
        object Body(string english) => new { name = "Planned", text_en = english, text_ar = "{{ agency }}: {{title}}", agency_id = agency, category = "pothole", status = "in_progress" };

        foreach (var wrong in new[] { "{{ reporter }}", "{{ title | upcase }}", "{% if title %}x{% endif %}", "{{ title", "{{ title.size }} {{ (1..9) }}", "{{ 'x' }}" })
        {
            (await manager.SendJsonAsync(HttpMethod.Post, Templates, Body(wrong))).Body.BadFields.ShouldBe(["text_en"], wrong);
        }

        var (status, template) = await manager.SendJsonAsync(HttpMethod.Post, Templates, Body("Thank you. “{{ title }}” ({{ category }}) is planned{{ address }}. {not a variable}"));
        status.ShouldBe(201, template.ToString());
        var path = $"{Templates}/{template.Id}";

        (await manager.SendJsonAsync(HttpMethod.Post, $"{path}/render", new { report_id = report, language = "en" })).Body.GetProperty("text").GetString()
            .ShouldBe("Thank you. “A deep hole” (Pothole) is planned. {not a variable}");
        (await manager.SendJsonAsync(HttpMethod.Post, $"{path}/render", new { report_id = report, language = "ar" })).Body.GetProperty("text").GetString().ShouldBe("الطرق: A deep hole");
        (await manager.SendJsonAsync(HttpMethod.Post, $"{path}/render", new { report_id = report, language = "fr" })).Body.BadFields.ShouldBe(["language"]);
        (await manager.SendJsonAsync(HttpMethod.Post, $"{path}/render", new { report_id = Guid.CreateVersion7(), language = "en" })).Body.BadFields.ShouldBe(["report_id"]);
        (await stranger.SendJsonAsync(HttpMethod.Post, $"{path}/render", new { report_id = report, language = "en" })).Status.ShouldBe(404);

        (await manager.AllPagesAsync($"{Templates}?category=pothole&status=in_progress&q=planned", 5)).Select(row => row.Id).ShouldContain(template.Id);
        (await manager.AllPagesAsync($"{Templates}?category=sidewalk", 5)).Select(row => row.Id).ShouldNotContain(template.Id);
        (await manager.SendJsonAsync(HttpMethod.Patch, path, new { category = (string?)null, name = "Soon" })).Body.GetProperty("category").ValueKind.ShouldBe(JsonValueKind.Null);
        (await manager.AllPagesAsync($"{Templates}?category=sidewalk", 5)).Select(row => row.Id).ShouldContain(template.Id);
        (await manager.SendIfMatchAsync(HttpMethod.Delete, path, "\"1\"")).ShouldBeProblem(412, "precondition_failed");
        (await manager.SendJsonAsync(HttpMethod.Delete, path)).Status.ShouldBe(204);
        (await manager.ReadAsync(path)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task What_staff_do_is_in_the_audit_trail_for_moderators_and_the_agencys_managers()
    {
        var agency = await service.AgencyAsync();
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        var (stranger, _) = await service.EmployAsync(await service.AgencyAsync(), Job.Manager);
        var (dispatcher, _) = await service.EmployAsync(agency);
        var moderatorId = Guid.CreateVersion7();
        using var moderator = service.Host.As(moderatorId, Roles.Moderator);
        using var citizen = service.Citizen(out _);
        var before = TimeProvider.System.GetUtcNow();
        var report = await service.FileForAsync(agency, citizen);
        var comment = (await citizen.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/comments", new { text = "Insult" })).Body.Id;

        (await moderator.SendJsonAsync(HttpMethod.Patch, $"{Root}/{report}/comments/{comment}", new { hidden = true, reason = "Insulting" })).Status.ShouldBe(200);
        (await moderator.SendJsonAsync(HttpMethod.Delete, $"{Root}/{report}?reason=Spam")).Status.ShouldBe(204);

        var trail = await manager.AllPagesAsync($"{Trail}?actor={moderatorId}", 1);
        trail.Select(entry => (entry.GetProperty("kind").GetString(), entry.GetProperty("action").GetString())).ShouldBe([("report", "deleted"), ("comment", "hidden")]);
        (trail[0].GetProperty("subject_id").GetGuid(), trail[0].GetProperty("values").GetProperty("reason").GetString()).ShouldBe((report, "Spam"));
        (await moderator.AllPagesAsync($"{Trail}?actor={moderatorId}&kind=comment&from={before:yyyy-MM-ddTHH:mm:ssZ}", 5)).ShouldHaveSingleItem();
        (await moderator.AllPagesAsync($"{Trail}?actor={moderatorId}&to={before.AddMinutes(-1):yyyy-MM-ddTHH:mm:ssZ}", 5)).ShouldBeEmpty();
        (await stranger.AllPagesAsync($"{Trail}?actor={moderatorId}", 5)).ShouldBeEmpty();
        (await dispatcher.ReadAsync(Trail)).ShouldBeProblem(403, "forbidden");
        (await citizen.ReadAsync(Trail)).ShouldBeProblem(403, "forbidden");
    }

    [Fact]
    public async Task The_managers_of_the_former_agency_see_who_routed_a_report_and_where()
    {
        var (agency, other) = (await service.AgencyAsync(), await service.AgencyAsync());
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        using var moderator = service.NewUser(Roles.Moderator);
        using var citizen = service.Citizen(out _);
        var report = await service.FileForAsync(agency, citizen);
        var (_, employee) = await service.EmployAsync(agency);
        (await moderator.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = employee })).Status.ShouldBe(200);

        (await moderator.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/route", new { agency_id = other })).Status.ShouldBe(200);

        var trail = await manager.AllPagesAsync($"{Trail}?subject={report}", 5);
        trail.Select(entry => entry.GetProperty("action").GetString()).Order().ShouldBe(["assigned", "assigned", "routed"]);
        trail.Single(entry => entry.GetProperty("action").GetString() == "routed").GetProperty("values").GetProperty("agency_id").GetGuid().ShouldBe(other);
    }

    [Fact]
    public async Task The_managers_of_the_former_agency_see_who_moved_a_crew_and_where()
    {
        var (agency, other) = (await service.AgencyAsync(), await service.AgencyAsync());
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);
        using var admin = service.NewUser(Roles.Admin);
        var crew = (await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/crews", new { name = "North", agency_id = agency })).Body.Id;

        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Root}/crews/{crew}", new { agency_id = other })).Status.ShouldBe(200);

        var trail = await manager.AllPagesAsync($"{Trail}?subject={crew}", 5);
        trail.Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["changed", "created"]);
        trail[0].GetProperty("values").GetProperty("agency_id").GetGuid().ShouldBe(other);
    }

    [Fact]
    public async Task The_audit_trail_cannot_be_changed()
    {
        using var admin = service.NewUser(Roles.Admin);
        await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/crews", new { name = "North" });
        await using var source = NpgsqlDataSource.Create(service.Host.Database);

        foreach (var sql in new[]
        {
            "UPDATE audit_entries SET action = 'other'", "UPDATE audit_entries SET actor_id = '00000000-0000-0000-0000-000000000000'", "DELETE FROM audit_entries", "TRUNCATE audit_entries",
            "SELECT set_config('kashif.erased_user', (SELECT actor_id::text FROM audit_entries LIMIT 1), false); UPDATE audit_entries SET action = 'other'",
        })
        {
            await using var command = source.CreateCommand(sql);
            (await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancelled))).MessageText.ShouldBe("The audit trail is append-only.", sql);
        }
    }
}
