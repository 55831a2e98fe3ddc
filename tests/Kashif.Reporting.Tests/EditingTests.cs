using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>What happens to a report after it was filed: edits, hiding, deletion, statuses taken back, reopening.</summary>
public sealed class EditingTests(ReportingService service)
{
    [Fact]
    public async Task The_owner_edits_a_report_while_it_is_submitted()
    {
        using var owner = service.Citizen(out var ownerId);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var id = (await owner.FileAsync()).Id;

        var (status, edited) = await SendAsync(owner, HttpMethod.Patch, $"{id}", new { title = "  Two deep holes ", category = "sidewalk", anonymous = true });

        status.ShouldBe(200, edited.ToString());
        (edited.GetProperty("title").GetString(), edited.GetProperty("category").GetString(), edited.GetProperty("version").GetInt32()).ShouldBe(("Two deep holes", "sidewalk", 2));
        (edited.GetProperty("due_at").GetDateTimeOffset() - edited.GetProperty("created_at").GetDateTimeOffset()).ShouldBe(TimeSpan.FromDays(30), "the target of the new category");
        var shown = (await anyone.AllPagesAsync($"{Root}/{id}/history?", 10)).Last();
        (shown.GetProperty("kind").GetString(), shown.GetProperty("from").GetString(), shown.GetProperty("to").GetString()).ShouldBe(("edited", "submitted", "submitted"));
        shown.GetProperty("fields").EnumerateArray().Select(field => field.GetString()).ShouldBe(["title", "category"]);
        (shown.GetProperty("former_category").GetString(), shown.GetProperty("category").GetString()).ShouldBe(("pothole", "sidewalk"));
        shown.GetProperty("changed_by").ValueKind.ShouldBe(JsonValueKind.Null, "the report is anonymous");
        var told = (await service.Tap.WaitForAsync(ReportUpdated.Type, data => data.GetProperty("report_id").GetGuid() == id)).GetProperty("data");
        (told.GetProperty("user_id").GetGuid(), told.GetProperty("former_category").GetString(), told.GetProperty("version").GetInt32()).ShouldBe((ownerId, "pothole", 2));

        (await SendAsync(owner, HttpMethod.Patch, $"{id}", new { title = "Two deep holes" })).Body.GetProperty("version").GetInt32().ShouldBe(2, "nothing has changed");
        (await SendAsync(owner, HttpMethod.Patch, $"{id}", new { title = "x", category = "nothing" })).Body.BadFields.ShouldBe(["category", "title"]);
        (await SendAsync(owner, HttpMethod.Patch, $"{id}", new { hidden = true, reason = "Mine" })).Body.Code.ShouldBe("forbidden");
        (await staff.ChangeStatusAsync(id, new { status = "verified" })).Status.ShouldBe(200);
        (await SendAsync(owner, HttpMethod.Patch, $"{id}", new { title = "Three deep holes" })).Body.Code.ShouldBe("report_not_editable");
        (await SendAsync(owner, HttpMethod.Delete, $"{id}", null)).Body.Code.ShouldBe("report_not_editable");
    }

    [Theory]
    [InlineData(Roles.Citizen, 403, 403, 403)]
    [InlineData(Roles.Partner, 403, 403, 403)]
    [InlineData(Roles.Staff, 200, 200, 403)]
    [InlineData(Roles.Moderator, 200, 200, 204)]
    [InlineData(Roles.Admin, 200, 200, 204)]
    public async Task Others_edit_and_delete_by_their_role(string role, int title, int category, int delete)
    {
        var id = (await service.FileAsync()).Id;
        using var other = service.NewUser(role);

        (await SendAsync(other, HttpMethod.Patch, $"{id}", new { title = "Another title" })).Status.ShouldBe(title);
        (await SendAsync(other, HttpMethod.Patch, $"{id}", new { category = "sidewalk", reason = "It is on the pavement." })).Status.ShouldBe(category);
        (await SendAsync(other, HttpMethod.Delete, $"{id}", null)).Status.ShouldBe(delete);
    }

    [Fact]
    public async Task What_staff_take_out_of_a_text_stays_for_the_reporter_and_staff_until_the_account_is_deleted()
    {
        using var owner = service.Citizen(out var ownerId);
        using var staff = service.NewUser(Roles.Staff);
        using var admin = service.NewUser(Roles.Admin);
        using var anyone = service.Host.Anonymous();
        var id = (await owner.FileAsync(title: "Hole, call 0123")).Id;

        (await SendAsync(staff, HttpMethod.Patch, $"{id}", new { title = "Hole", description = "" })).Status.ShouldBe(200);
        (await SendAsync(owner, HttpMethod.Patch, $"{id}", new { title = "A hole" })).Status.ShouldBe(200);

        foreach (var reader in (HttpClient[])[owner, staff])
        {
            var edits = (await reader.AllPagesAsync($"{Root}/{id}/history?", 10)).Skip(1).ToArray();
            edits[0].GetProperty("former_title").GetString().ShouldBe("Hole, call 0123");
            edits[0].TryGetProperty("former_description", out _).ShouldBeTrue();
            edits[1].TryGetProperty("former_title", out _).ShouldBeFalse("the reporter's own edit");
        }

        string.Concat(await anyone.AllPagesAsync($"{Root}/{id}/history?", 10)).ShouldNotContain("former_");
        var entry = (await admin.AllPagesAsync($"{Root}/audit-trail?subject={id}", 10)).ShouldHaveSingleItem();
        entry.GetProperty("action").GetString().ShouldBe("edited");
        entry.GetProperty("values").ToString().ShouldBe("""{"fields":["title","description"],"version":2}""");

        using (var auth = service.Host.AsService())
        {
            var former = (await auth.ReadAsync($"/internal/v1/users/{ownerId}/export")).Body.GetProperty("former_texts").EnumerateArray().ShouldHaveSingleItem();
            (former.GetProperty("report_id").GetGuid(), former.GetProperty("title").GetString()).ShouldBe((id, "Hole, call 0123"));
        }

        await service.Tap.EraseAsync(ownerId, ResourceNames.Reporting);
        (await SendAsync(staff, HttpMethod.Patch, $"{id}", new { title = "Hole in the road" })).Status.ShouldBe(200);
        var history = string.Concat(await staff.AllPagesAsync($"{Root}/{id}/history?", 10));
        history.ShouldNotContain("0123");
        history.ShouldNotContain("former_title", Case.Sensitive, "no erasure reaches a report without an account");
    }

    [Fact]
    public async Task What_staff_do_with_their_own_reports_is_in_the_audit_trail_unless_the_owner_may_do_it()
    {
        var moderatorId = Guid.CreateVersion7();
        using var moderator = service.Host.As(moderatorId, Roles.Moderator);
        var id = (await moderator.FileAsync()).Id;

        (await SendAsync(moderator, HttpMethod.Patch, $"{id}", new { title = "A wide hole" })).Status.ShouldBe(200);
        (await SendAsync(moderator, HttpMethod.Patch, $"{id}", new { hidden = true, reason = "A face" })).Status.ShouldBe(200);

        var entry = (await moderator.AllPagesAsync($"{Root}/audit-trail?subject={id}", 10)).ShouldHaveSingleItem();
        entry.GetProperty("values").GetProperty("fields").ToString().ShouldBe("""["hidden"]""");
    }

    [Fact]
    public async Task The_audit_trail_has_what_staff_decided_also_of_a_report_that_is_deleted()
    {
        using var owner = service.Citizen(out _);
        using var moderator = service.NewUser(Roles.Moderator);
        var id = (await owner.FileAsync()).Id;

        (await moderator.ChangeStatusAsync(id, new { status = "rejected", comment = "No hole" })).Status.ShouldBe(200);
        (await SendAsync(moderator, HttpMethod.Post, $"{id}/reopen", new { reason = "There is one" })).Status.ShouldBe(200);
        (await owner.ChangeStatusAsync(id, new { status = "withdrawn" })).Status.ShouldBe(200);
        (await SendAsync(moderator, HttpMethod.Delete, $"{id}?reason=spam", null)).Status.ShouldBe(204);

        (await moderator.AllPagesAsync($"{Root}/audit-trail?subject={id}", 10)).Select(entry => entry.GetProperty("action").GetString())
            .ShouldBe(["deleted", "submitted", "rejected"], "the trail has no entry for what the reporter did");
    }

    [Fact]
    public async Task A_category_is_trimmed_before_it_is_checked_and_stored()
    {
        using var owner = service.Citizen(out _);
        var id = (await owner.FileAsync()).Id;

        var (status, edited) = await SendAsync(owner, HttpMethod.Patch, $"{id}", new { category = $"{new string(' ', 60)}sidewalk " });

        (status, edited.GetProperty("category").GetString()).ShouldBe((200, "sidewalk"));
        (await SendAsync(owner, HttpMethod.Patch, $"{id}", new { category = " sidewalk" })).Body.GetProperty("version").GetInt32().ShouldBe(2, "nothing changes");
    }

    [Fact]
    public async Task A_hidden_report_leaves_the_public_and_comes_back()
    {
        using var owner = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var id = (await owner.FileAsync(latitude: 12.5, longitude: 13.5)).Id;

        (await SendAsync(staff, HttpMethod.Patch, $"{id}", new { hidden = true })).Body.BadFields.ShouldBe(["reason"]);
        (await SendAsync(staff, HttpMethod.Patch, $"{id}", new { hidden = true, reason = "Advertising" })).Status.ShouldBe(200);

        (await anyone.ReadAsync($"{Root}/{id}")).Status.ShouldBe(404);
        (await owner.ReadAsync($"{Root}/{id}")).Body.GetProperty("hidden").GetBoolean().ShouldBeTrue();
        (await owner.ReadAsync($"{Root}/similar?category=pothole&latitude=12.5&longitude=13.5")).Body.GetProperty("items").EnumerateArray().ShouldBeEmpty();
        var inQueue = await staff.AllPagesAsync($"{Root}/moderation-queue?state=hidden&sort=oldest", 100);
        inQueue.Select(item => item.GetProperty("report").Id).ShouldContain(id);
        (await service.Tap.WaitForAsync(ReportUpdated.Type, data => data.GetProperty("report_id").GetGuid() == id && data.GetProperty("hidden").GetBoolean()))
            .GetProperty("data").GetProperty("fields").EnumerateArray().Single().GetString().ShouldBe("hidden");

        (await SendAsync(staff, HttpMethod.Patch, $"{id}", new { hidden = false, category = "other", reason = "An error of ours" })).Status.ShouldBe(200);
        var shown = await anyone.AllPagesAsync($"{Root}/{id}/history?", 10);
        shown.Select(entry => entry.GetProperty("version").GetInt32()).ShouldBe([1, 3]);
        string.Concat(shown).ShouldNotContain("hidden");
        string.Concat(shown).ShouldNotContain("error of ours");
        string.Concat(await staff.AllPagesAsync($"{Root}/{id}/history?", 10)).ShouldContain("Advertising");
    }

    [Fact]
    public async Task A_deleted_report_leaves_no_trace()
    {
        using var owner = service.Citizen(out var ownerId);
        using var staff = service.NewUser(Roles.Staff);
        var id = (await owner.FileAsync()).Id;
        var duplicate = (await service.FileAsync()).Id;
        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = id })).Status.ShouldBe(200);

        (await SendAsync(owner, HttpMethod.Delete, $"{id}?reason=Fixed%20by%20myself", null)).Status.ShouldBe(204);

        (await SendAsync(owner, HttpMethod.Delete, $"{id}", null)).Status.ShouldBe(404);
        (await staff.ReadAsync($"{Root}/{id}")).Status.ShouldBe(404);
        (await service.QueryAsync(database => database.StatusChanges.AnyAsync(change => change.ReportId == id, Cancelled))).ShouldBeFalse();
        (await staff.ReadAsync($"{Root}/{duplicate}")).Body.TryGetProperty("duplicate_of", out _).ShouldBeFalse();
        var told = (await service.Tap.WaitForAsync(ReportDeleted.Type, data => data.GetProperty("report_id").GetGuid() == id)).GetProperty("data");
        (told.GetProperty("user_id").GetGuid(), told.GetProperty("deleted_by").GetGuid(), told.GetProperty("reason").GetString(), told.GetProperty("version").GetInt32())
            .ShouldBe((ownerId, ownerId, "Fixed by myself", 2));
    }

    [Fact]
    public async Task Staff_take_a_status_back_with_a_comment_and_in_time()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var id = (await service.FileAsync()).Id;
        foreach (var status in (string[])["verified", "in_progress", "rejected"])
        {
            (await staff.ChangeStatusAsync(id, new { status })).Status.ShouldBe(200);
        }

        (await staff.ChangeStatusAsync(id, new { status = "verified", comment = "Wrong" })).Body.Code.ShouldBe("invalid_status_transition");
        (await staff.ChangeStatusAsync(id, new { status = "in_progress" })).Body.BadFields.ShouldBe(["comment"]);
        (await staff.ChangeStatusAsync(id, new { status = "in_progress", comment = "Rejected by mistake" })).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(id, new { status = "verified", comment = "The crew has left" })).Status.ShouldBe(200);
        (await anyone.AllPagesAsync($"{Root}/{id}/history?", 10)).Select(entry => entry.GetProperty("kind").GetString())
            .ShouldBe(["status", "status", "status", "status", "taken_back", "taken_back"]);

        var duplicate = (await service.FileAsync()).Id;
        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = id })).Status.ShouldBe(200);
        await AgeAsync(duplicate, TimeSpan.FromDays(60));
        (await staff.ChangeStatusAsync(duplicate, new { status = "submitted", comment = "Another hole" })).Status.ShouldBe(200, "a merge always");

        await AgeAsync(id, TimeSpan.FromHours(25));
        var (late, problem) = await staff.ChangeStatusAsync(id, new { status = "submitted", comment = "Too late" });
        (late, problem.Code).ShouldBe((422, "take_back_window_over"));
    }

    [Fact]
    public async Task A_report_that_is_not_fixed_is_reopened_with_a_reason()
    {
        using var owner = service.Citizen(out _);
        using var stranger = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        var id = (await owner.FileAsync()).Id;
        (await ReopenAsync(owner)).Code.ShouldBe("not_reopenable");
        (await staff.ChangeStatusAsync(id, new { status = "in_progress" })).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(id, new { status = "resolved" })).Status.ShouldBe(200);

        (await ReopenAsync(stranger)).Code.ShouldBe("forbidden");
        (await SendAsync(owner, HttpMethod.Post, $"{id}/reopen", new { reason = " " })).Body.BadFields.ShouldBe(["reason"]);
        using var neighbour = service.Citizen(out _);
        var duplicate = (await neighbour.FileAsync()).Id;
        (await ReopenAsync(neighbour)).Code.ShouldBe("forbidden");
        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = id })).Status.ShouldBe(200);
        (await ReopenAsync(neighbour)).GetProperty("status").GetString().ShouldBe("in_progress", "the reporter of a duplicate");
        (await staff.ChangeStatusAsync(id, new { status = "resolved" })).Status.ShouldBe(200);
        (await ReopenAsync(owner)).GetProperty("status").GetString().ShouldBe("in_progress");
        var last = (await owner.AllPagesAsync($"{Root}/{id}/history?", 10)).Last();
        (last.GetProperty("kind").GetString(), last.GetProperty("comment").GetString(), last.GetProperty("from").GetString()).ShouldBe(("reopened", "It is still there", "resolved"));

        (await staff.ChangeStatusAsync(id, new { status = "resolved" })).Status.ShouldBe(200);
        await AgeAsync(id, TimeSpan.FromDays(31));
        (await ReopenAsync(owner)).Code.ShouldBe("reopen_window_over");

        var rejected = (await service.FileAsync()).Id;
        (await staff.ChangeStatusAsync(rejected, new { status = "rejected" })).Status.ShouldBe(200);
        (await SendAsync(staff, HttpMethod.Post, $"{rejected}/reopen", new { reason = "It is real" })).Body.GetProperty("status").GetString().ShouldBe("submitted");

        async Task<JsonElement> ReopenAsync(HttpClient client) => (await SendAsync(client, HttpMethod.Post, $"{id}/reopen", new { reason = "It is still there" })).Body;
    }

    [Fact]
    public async Task Changes_at_once_lose_no_update()
    {
        for (var round = 0; round < 5; round++)
        {
            using var owner = service.Citizen(out _);
            var id = (await owner.FileAsync()).Id;
            HttpClient[] clients = [.. Enumerable.Range(0, 8).Select(_ => service.NewUser(Roles.Moderator))];
            string[] titles = [.. clients.Select((_, index) => $"Title {index}")];

            var answers = await Task.WhenAll(clients.Select((client, index) => index == 7
                ? SendAsync(client, HttpMethod.Patch, $"{id}/status", new { status = "verified" })
                : SendAsync(client, HttpMethod.Patch, $"{id}", new { title = titles[index] }, index % 2 == 0 ? "\"1\"" : null)));

            answers.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 409 || answer.Status == 412);
            var accepted = answers.Count(answer => answer.Status == 200);
            (await service.VersionAsync(id)).ShouldBe(1 + accepted);
            (await service.QueryAsync(database => database.StatusChanges.CountAsync(change => change.ReportId == id, Cancelled))).ShouldBe(accepted);
            answers.Where((answer, index) => index % 2 == 0 && index != 7).Count(answer => answer.Status == 200).ShouldBeLessThanOrEqualTo(1, "they have read version 1");
        }
    }

    [Fact]
    public async Task A_deletion_and_a_change_at_once_leave_nothing_half_done()
    {
        for (var round = 0; round < 5; round++)
        {
            using var owner = service.Citizen(out _);
            using var staff = service.NewUser(Roles.Staff);
            var id = (await owner.FileAsync()).Id;

            var answers = await Task.WhenAll(
                SendAsync(owner, HttpMethod.Delete, $"{id}", null),
                SendAsync(staff, HttpMethod.Patch, $"{id}/status", new { status = "verified" }),
                SendAsync(staff, HttpMethod.Patch, $"{id}", new { category = "sidewalk" }));

            answers.ShouldAllBe(answer => answer.Status < 500);
            var isGone = answers[0].Status == 204;
            var exists = await service.QueryAsync(database => database.Reports.AnyAsync(report => report.Id == id, Cancelled));
            exists.ShouldBe(!isGone);
            if (!isGone)
            {
                answers[0].Body.Code.ShouldBe("report_not_editable");
            }
        }
    }

    /// <summary>A merge adds a duplicate while the deletion waits; another request has locked that one and wants the original.</summary>
    [Fact]
    public async Task A_deletion_beside_a_merge_and_another_change_does_not_deadlock()
    {
        using var moderator = service.NewUser(Roles.Moderator);
        var (duplicate, original) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        await using var merge = new NpgsqlConnection(service.Host.Database);
        await using var other = new NpgsqlConnection(service.Host.Database);
        await merge.OpenAsync(Cancelled);
        await other.OpenAsync(Cancelled);

        await using var transaction = await merge.BeginTransactionAsync(Cancelled);
        await RunAsync(merge, "UPDATE reports SET status = 'duplicate', duplicate_of = $2, version = version + 1 WHERE id = $1");
        await RunAsync(merge, "SELECT FROM reports WHERE id = $2 FOR NO KEY UPDATE");
        var deletion = SendAsync(moderator, HttpMethod.Delete, $"{original}", null);
        await service.WaitForLockAsync(merge.ProcessID);
        var change = Task.Run(
            async () =>
            {
                await using var second = await other.BeginTransactionAsync(Cancelled);
                await RunAsync(other, "SELECT FROM reports WHERE id = $1 FOR NO KEY UPDATE");
                await RunAsync(other, "SELECT FROM reports WHERE id = $2 FOR NO KEY UPDATE");
                await second.CommitAsync(Cancelled);
            },
            Cancelled);
        await service.WaitForLockAsync(merge.ProcessID, other.ProcessID);
        await transaction.CommitAsync(Cancelled);

        await change;
        (await deletion).Status.ShouldBe(204);
        (await service.QueryAsync(database => database.Reports.Where(report => report.Id == duplicate).Select(report => report.DuplicateOf).SingleAsync(Cancelled))).ShouldBeNull();

        async Task RunAsync(NpgsqlConnection connection, string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            command.Parameters.Add(new() { Value = duplicate });
            if (sql.Contains("$2", StringComparison.Ordinal))
            {
                command.Parameters.Add(new() { Value = original });
            }

            await command.ExecuteNonQueryAsync(Cancelled);
        }
    }

    internal static async Task<(int Status, JsonElement Body)> SendAsync(HttpClient client, HttpMethod method, string path, object? body, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, $"{Root}/{path}") { Content = body is null ? null : JsonContent.Create(body) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        using var response = await client.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, response.StatusCode == HttpStatusCode.NoContent ? default : await response.JsonAsync());
    }

    /// <summary>Moves the history of a report into the past.</summary>
    private Task AgeAsync(Guid id, TimeSpan by) => service.QueryAsync(database => database.StatusChanges.Where(change => change.ReportId == id)
        .ExecuteUpdateAsync(set => set.SetProperty(change => change.At, change => change.At - by), Cancelled));
}
