using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Reports of another system are imported once, with a history that obeys the same rules, and without events.</summary>
public sealed class ImportTests(ReportingService service)
{
    private static readonly DateTimeOffset Start = new(2024, 5, 1, 6, 30, 0, TimeSpan.Zero);

    /// <summary>The legal steps; and back from duplicate and rejected to the status before.</summary>
    private static readonly Dictionary<string, string[]> Steps = new()
    {
        ["submitted"] = ["verified", "in_progress", "rejected", "duplicate", "withdrawn"],
        ["verified"] = ["in_progress", "rejected", "duplicate", "submitted"],
        ["in_progress"] = ["resolved", "rejected", "duplicate", "verified"],
        ["resolved"] = ["in_progress"],
        ["rejected"] = ["submitted"],
        ["duplicate"] = [],
        ["withdrawn"] = [],
    };

    [Fact]
    public async Task A_report_is_imported_with_its_history_its_times_and_its_reporter()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var reporter = service.Citizen(out var user);
        var staff = Guid.CreateVersion7();

        var id = (await ImportOneAsync(admin, Past(
            user: user,
            history: [Step("verified", 1, "Seen.", staff), Step("in_progress", 2), Step("resolved", 30, "Filled."), Step("in_progress", 31, "It is open again."), Step("resolved", 40)])))
            .GetProperty("report_id").GetGuid();

        var (_, report) = await reporter.ReadAsync($"{Root}/{id}");
        report.GetProperty("status").GetString().ShouldBe("resolved");
        report.GetProperty("user_id").GetGuid().ShouldBe(user);
        report.GetProperty("created_at").GetDateTimeOffset().ShouldBe(Start);
        report.GetProperty("updated_at").GetDateTimeOffset().ShouldBe(Start.AddDays(40));
        report.GetProperty("due_at").GetDateTimeOffset().ShouldBe(Start.AddDays(14));
        report.GetProperty("version").GetInt32().ShouldBe(6);

        var history = await reporter.AllPagesAsync($"{Root}/{id}/history?", 100);
        history.Select(entry => entry.GetProperty("to").GetString()).ShouldBe(["submitted", "verified", "in_progress", "resolved", "in_progress", "resolved"]);
        history.Select(entry => entry.GetProperty("kind").GetString()).ShouldBe(["status", "status", "status", "status", "reopened", "status"]);
        history[1].GetProperty("changed_by").GetGuid().ShouldBe(staff);
        history[1].GetProperty("comment").GetString().ShouldBe("Seen.");
        history[2].GetProperty("changed_by").GetGuid().ShouldBe(ErasedUser.Id);
        history[3].GetProperty("at").GetDateTimeOffset().ShouldBe(Start.AddDays(30));
        (await service.QueryAsync(database => database.AuditEntries.CountAsync(entry => entry.SubjectId == id && entry.Action == "imported", Cancelled))).ShouldBe(1);
    }

    [Fact]
    public async Task Imported_reports_sort_by_their_creation_and_show_on_public_surfaces()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var anonymous = service.Host.Anonymous();
        using var reader = service.Citizen(out var user);
        var word = $"walrus{Guid.CreateVersion7():N}";

        var items = await ImportAsync(admin, [.. new[] { 30, 10, 20 }.Select(day => Past(created: Start.AddDays(day), title: $"A {word}", user: user, isAnonymous: day == 10))]);
        var hidden = (await ImportOneAsync(admin, Past(title: $"A {word}", user: user, isPrivate: true))).GetProperty("report_id").GetGuid();
        Guid[] ids = [.. items.Select(item => item.GetProperty("report_id").GetGuid())];

        (await anonymous.AllPagesAsync($"{Root}?q={word}&sort=newest", 2)).Select(report => report.Id).ShouldBe([ids[0], ids[2], ids[1]]);
        (await anonymous.AllPagesAsync($"{Root}?q={word}&from={Start.AddDays(15):yyyy-MM-dd}T00:00:00Z&to={Start.AddDays(25):yyyy-MM-dd}T00:00:00Z", 2)).Select(report => report.Id).ShouldBe([ids[2]]);
        (await anonymous.ReadAsync($"{Root}/{ids[1]}")).Body.GetProperty("user_id").ValueKind.ShouldBe(JsonValueKind.Null);
        (await anonymous.ReadAsync($"{Root}/{hidden}")).Status.ShouldBe(404);
        (await reader.ReadAsync($"{Root}/{hidden}")).Status.ShouldBe(200);
        (await service.QueryAsync(database => database.ReportChanges.CountAsync(change => ids.Contains(change.ReportId) && change.WasPublic, Cancelled))).ShouldBe(3, "the sync feed");
    }

    [Fact]
    public async Task The_past_is_not_published_and_the_future_is()
    {
        using var admin = service.NewUser(Roles.Admin);
        var items = await ImportAsync(
            admin,
            Past("quiet-original"), Past(user: Guid.CreateVersion7(), history: [Step("verified", 1)]),
            Past(user: Guid.CreateVersion7(), history: [Step("duplicate", 2, duplicateOf: "quiet-original")]));
        Guid[] ids = [.. items.Select(item => item.GetProperty("report_id").GetGuid())];

        // What is published after the import comes after all that it published.
        (await admin.ChangeStatusAsync(ids[1], new { status = "in_progress" })).Status.ShouldBe(200);
        var change = await service.Tap.WaitForAsync(ReportStatusUpdated.Type, data => data.GetProperty("report_id").GetGuid() == ids[1]);

        change.GetProperty("data").GetProperty("from").GetString().ShouldBe("verified");
        change.GetProperty("data").GetProperty("version").GetInt32().ShouldBe(3);
        string[] types = [ReportCreated.Type, ReportStatusUpdated.Type, ReportMerged.Type, ReportOverdue.Type];
        types.SelectMany(service.Tap.Envelopes).Select(envelope => envelope.GetProperty("data").GetProperty("report_id").GetGuid())
            .Count(ids.Contains).ShouldBe(1, "the one change after the import");
        (await service.QueryAsync(database => database.Reports.Where(report => report.Id == ids[0]).Select(report => report.OverdueAt).SingleAsync(Cancelled)))
            .ShouldBe(Start.AddDays(14), "passed before the import, and not announced");
    }

    [Fact]
    public async Task The_same_imports_at_once_import_each_report_once()
    {
        using var admin = service.NewUser(Roles.Admin);
        var mark = $"race-{Guid.CreateVersion7():N}";
        var reports = Enumerable.Range(0, 10)
            .Select(index => Past($"{mark}-{index}", history: index == 0 ? [] : [Step("verified", 1), Step("duplicate", 2, duplicateOf: $"{mark}-0")])).ToArray();

        // In two orders: where the original comes last, its duplicates are invalid until another request has imported it.
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(turn => ImportAsync(admin, turn % 2 == 0 ? reports : [.. reports.Reverse()])));
        var again = await ImportAsync(admin, reports);

        answers.SelectMany(items => items).Count(item => item.GetProperty("outcome").GetString() == "created").ShouldBe(10);
        again.ShouldAllBe(item => item.GetProperty("outcome").GetString() == "exists");
        Guid[] ids = [.. again.Select(item => item.GetProperty("report_id").GetGuid())];
        ids.Distinct().Count().ShouldBe(10);
        (await service.QueryAsync(database => database.Reports.CountAsync(report => ids.Contains(report.Id) && (report.DuplicateOf == ids[0] || report.Id == ids[0]), Cancelled))).ShouldBe(10);
        (await service.QueryAsync(database => database.StatusChanges.CountAsync(change => ids.Contains(change.ReportId), Cancelled))).ShouldBe(18);
    }

    [Fact]
    public async Task An_original_that_becomes_a_duplicate_at_once_has_no_duplicates()
    {
        using var admin = service.NewUser(Roles.Admin);
        foreach (var _ in Enumerable.Range(0, 8))
        {
            var (mark, other) = ($"chain-{Guid.CreateVersion7():N}", (await service.FileAsync()).Id);
            var original = (await ImportOneAsync(admin, Past(mark))).GetProperty("report_id").GetGuid();

            var merging = admin.ChangeStatusAsync(original, new { status = "duplicate", duplicate_of = other });
            var importing = ImportAsync(admin, Past(history: [Step("duplicate", 1, duplicateOf: mark)]));

            var isMerged = (await merging).Status == 200;
            ((await importing)[0].GetProperty("outcome").GetString() == "created").ShouldBe(!isMerged);
        }
    }

    [Fact]
    public async Task A_duplicate_has_an_original_and_its_reporter_follows_it()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var reporter = service.Citizen(out var user);
        var mark = $"merge-{Guid.CreateVersion7():N}";
        await ImportOneAsync(admin, Past($"{mark}-private", isPrivate: true));
        var original = (await ImportOneAsync(admin, Past(mark))).GetProperty("report_id").GetGuid();
        await ImportOneAsync(admin, Past($"{mark}-1", user: user, history: [Step("duplicate", 1, duplicateOf: mark)]));

        (await reporter.ReadAsync($"{Root}/follows")).Body.GetProperty("items")[0].GetProperty("report").Id.ShouldBe(original);
        var invalid = await ImportAsync(
            admin,
            Past(history: [Step("duplicate", 1)]), Past(history: [Step("duplicate", 1, duplicateOf: "no such")]), Past(history: [Step("verified", 1, duplicateOf: mark)]),
            Past(history: [Step("duplicate", 1, duplicateOf: $"{mark}-1")]), Past(history: [Step("duplicate", 1, duplicateOf: $"{mark}-private")]),
            Past($"{mark}-self", history: [Step("duplicate", 1, duplicateOf: $"{mark}-self")]));
        invalid.ShouldAllBe(item => item.GetProperty("outcome").GetString() == "invalid");
        invalid.SelectMany(item => item.BadFields).ShouldAllBe(field => field == "history[0].duplicate_of");
        (await service.QueryAsync(database => database.Imports.CountAsync(row => row.ClientId == $"{mark}-self", Cancelled))).ShouldBe(0);
    }

    [Fact]
    public async Task Each_error_names_its_field_and_imports_nothing()
    {
        using var admin = service.NewUser(Roles.Admin);
        var soon = TimeProvider.System.GetUtcNow().AddMinutes(2);
        var mark = $"invalid-{Guid.CreateVersion7():N}";
        (object Report, string[] Fields)[] cases =
        [
            (Past(" "), ["client_id"]),
            (Past(new string('x', 129)), ["client_id"]),
            (Past($"{mark}-1", title: "x", category: "no_such"), ["category", "title"]),
            (Past($"{mark}-2", created: soon), ["created_at"]),
            (Past($"{mark}-3", created: DateTimeOffset.UnixEpoch.AddDays(-1)), ["created_at"]),
            (Past($"{mark}-4", history: [Step("verified", -1)]), ["history[0].at"]),
            (Past($"{mark}-5", history: [Step("verified", 2), Step("in_progress", 1)]), ["history[1].at"]),
            (Past($"{mark}-6", history: [new { status = "verified", at = soon }]), ["history[0].at"]),
            (Past($"{mark}-7", history: [Step("verified", 1), Step("resolved", 2)]), ["history[1].status"]),
            (Past($"{mark}-8", history: [Step("submitted", 1)]), ["history[0].status"]),
            (Past($"{mark}-9", history: [Step("verified", 1), Step("withdrawn", 2)]), ["history[1].status"]),
            (Past($"{mark}-10", history: [Step("rejected", 1), Step("verified", 2)]), ["history[1].status"]),
            (Past($"{mark}-11", history: [Step("verified", 1, new string('x', 1001))]), ["history[0].comment"]),
            (Past($"{mark}-12", history: [.. Enumerable.Range(0, 51).Select(turn => Step(turn % 2 == 0 ? "verified" : "submitted", turn))]), ["history"]),
            (Past($"{mark}-13", history: [Step("verified", 1), null]), ["history[1]"]),
        ];

        var items = await ImportAsync(admin, [.. cases.Select(one => one.Report)]);

        items.Select(item => item.GetProperty("outcome").GetString()).Distinct().ShouldBe(["invalid"]);
        foreach (var (item, (_, fields)) in items.Zip(cases))
        {
            item.BadFields.ShouldBe(fields, item.ToString());
        }

        (await service.QueryAsync(database => database.Imports.CountAsync(row => row.ClientId.StartsWith(mark), Cancelled))).ShouldBe(0);
    }

    [Fact]
    public async Task An_import_with_null_among_its_reports_is_invalid()
    {
        using var admin = service.NewUser(Roles.Admin);

        using var response = await admin.PostAsJsonAsync($"{Root}/imports", new { reports = (object?[])[Past(), null] }, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync()).BadFields.ShouldBe(["reports"]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public async Task An_import_has_1_to_100_reports(int count)
    {
        using var admin = service.NewUser(Roles.Admin);

        using var response = await admin.PostAsJsonAsync($"{Root}/imports", new { reports = Enumerable.Range(0, count).Select(_ => Past()) }, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync()).BadFields.ShouldBe(["reports"]);
    }

    [Theory]
    [InlineData(Roles.Citizen)]
    [InlineData(Roles.Moderator)]
    public async Task Only_admins_import(string role)
    {
        using var client = service.NewUser(role);

        using var response = await client.PostAsJsonAsync($"{Root}/imports", new { reports = new[] { Past() } }, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_user_who_has_left_stays_unknown()
    {
        using var admin = service.NewUser(Roles.Admin);
        var user = Guid.CreateVersion7();
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        var id = (await ImportOneAsync(admin, Past(user: user, history: [Step("verified", 1, by: user)]))).GetProperty("report_id").GetGuid();

        (await service.QueryAsync(database => database.Reports.Where(report => report.Id == id).Select(report => report.UserId).SingleAsync(Cancelled))).ShouldBe(ErasedUser.Id);
        (await service.QueryAsync(database => database.StatusChanges.Where(change => change.ReportId == id).Select(change => change.ChangedBy).SingleAsync(Cancelled))).ShouldBe(ErasedUser.Id);
    }

    /// <summary>Random walks: legal ones end with the status of their last step and a history without gaps, others are refused as a whole.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_history_is_imported_if_and_only_if_each_step_is_legal(int seed)
    {
        using var admin = service.NewUser(Roles.Admin);
        var random = new Random(seed);
        var original = $"walk-{Guid.CreateVersion7():N}";
        await ImportOneAsync(admin, Past(original));
        var walks = Enumerable.Range(0, 100).Select(_ => Walk(random)).ToArray();

        var items = await ImportAsync(admin, [.. walks.Select(walk => Past(
            user: random.Next(2) == 0 ? Guid.CreateVersion7() : null,
            history: [.. walk.Select((to, index) => Step(to, index / 2, duplicateOf: to == "duplicate" ? original : null))]))]); // two at the same time

        Guid[] ids = [.. items.Where(item => item.TryGetProperty("report_id", out var _)).Select(item => item.GetProperty("report_id").GetGuid())];
        var reports = await service.QueryAsync(database => database.Reports.AsNoTracking().Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, Cancelled));
        var histories = (await service.QueryAsync(database => database.StatusChanges.AsNoTracking().Where(row => ids.Contains(row.ReportId)).ToListAsync(Cancelled))).ToLookup(row => row.ReportId);
        foreach (var (item, walk) in items.Zip(walks))
        {
            item.GetProperty("outcome").GetString().ShouldBe(IsLegal(walk) ? "created" : "invalid", string.Join(" ", walk));
            if (!IsLegal(walk))
            {
                continue;
            }

            var report = reports[item.GetProperty("report_id").GetGuid()];
            StatusChange[] changes = [.. histories[report.Id].OrderBy(change => change.Version)];
            report.Status.WireName().ShouldBe(walk.LastOrDefault("submitted"));
            (report.DuplicateOf is not null).ShouldBe(report.Status is ReportStatus.Duplicate);
            report.Version.ShouldBe(changes.Length + 1);
            changes.Select(change => change.Version).ShouldBe(Enumerable.Range(2, changes.Length));
            changes.Select(change => change.From).ShouldBe(changes.Select(change => change.To).Prepend(ReportStatus.Submitted).Take(changes.Length));
            (changes.LastOrDefault()?.To ?? ReportStatus.Submitted).ShouldBe(report.Status);
            changes.Zip(changes.Skip(1)).ShouldAllBe(pair => pair.First.At < pair.Second.At);
            report.UpdatedAt.ShouldBe(changes.LastOrDefault()?.At ?? report.CreatedAt);
        }
    }

    private static bool IsLegal(string[] walk)
    {
        var (before, at) = ("submitted", "submitted");
        foreach (var to in walk)
        {
            if (!Steps[at].Contains(to) && !(at is "rejected" or "duplicate" && to == before))
            {
                return false;
            }

            (before, at) = ((at, to) is ("submitted", "in_progress") ? "verified" : at, to);
        }

        return true;
    }

    private static string[] Walk(Random random)
    {
        var (walk, at) = (new List<string>(), "submitted");
        for (var length = random.Next(7); walk.Count < length;)
        {
            string[] next = random.Next(8) == 0 || Steps[at] is [] ? [.. Steps.Keys] : Steps[at];
            walk.Add(at = next[random.Next(next.Length)]);
        }

        return [.. walk];
    }

    private static object Past(
        string? clientId = null, DateTimeOffset? created = null, string title = "A deep hole", string category = "pothole", Guid? user = null, bool isAnonymous = false, bool isPrivate = false,
        object?[]? history = null) => new
        {
            client_id = clientId ?? $"old-{Guid.CreateVersion7():N}",
            created_at = created ?? Start,
            title,
            description = "From the city's former system.",
            category,
            latitude = -71.25,
            longitude = 11.5,
            user_id = user,
            anonymous = isAnonymous,
            @private = isPrivate,
            history,
        };

    private static object Step(string status, double days, string? comment = null, Guid? by = null, string? duplicateOf = null) =>
        new { status, at = Start.AddDays(days), comment, changed_by = by, duplicate_of = duplicateOf };

    private static async Task<JsonElement[]> ImportAsync(HttpClient client, params object[] reports)
    {
        using var response = await client.PostAsJsonAsync($"{Root}/imports", new { reports }, Cancelled);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancelled));
        return [.. (await response.JsonAsync()).GetProperty("items").EnumerateArray()];
    }

    private static async Task<JsonElement> ImportOneAsync(HttpClient client, object report)
    {
        var item = (await ImportAsync(client, report))[0];
        item.GetProperty("outcome").GetString().ShouldBe("created", item.ToString());
        return item;
    }
}
