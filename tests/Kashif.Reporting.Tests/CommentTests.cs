using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Comments;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Who writes, changes, hides and sees comments.</summary>
public sealed class CommentTests(ReportingService service)
{
    [Fact]
    public async Task A_comment_is_added_changed_listed_and_deleted_by_its_author()
    {
        var report = await service.FileAsync();
        using var author = service.Citizen(out var user);
        using var other = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();

        var (status, added) = await AddAsync(author, report.Id, "  It is deeper now. ");

        status.ShouldBe(201);
        added.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["id", "author", "user_id", "by_staff", "role", "text", "created_at", "edited_at", "hidden", "hidden_reason"]);
        (added.GetProperty("author").GetString(), added.GetProperty("text").GetString(), added.GetProperty("user_id").GetGuid()).ShouldBe(("user", "It is deeper now.", user));
        var told = (await service.Tap.WaitForAsync(ReportCommented.Type, data => data.GetProperty("comment_id").GetGuid() == added.Id)).GetProperty("data");
        told.ToString().ShouldNotContain("deeper");
        (told.GetProperty("user_id").GetGuid(), told.GetProperty("reporter_id").GetGuid(), told.GetProperty("public").GetBoolean())
            .ShouldBe((user, report.GetProperty("user_id").GetGuid(), true));

        var path = $"{Root}/{report.Id}/comments/{added.Id}";
        (await other.SendJsonAsync(HttpMethod.Patch, path, new { text = "Mine" })).ShouldBeProblem(403, "forbidden");
        (await author.SendJsonAsync(HttpMethod.Patch, path, new { text = "It is very deep." })).Body.GetProperty("edited_at").ValueKind.ShouldBe(JsonValueKind.String);
        (await ListAsync(anyone, report.Id)).ShouldHaveSingleItem().GetProperty("text").GetString().ShouldBe("It is very deep.");
        (await CountAsync(report.Id)).ShouldBe(1);

        var id = added.Id;
        await service.QueryAsync(database => database.Comments.Where(comment => comment.Id == id)
            .ExecuteUpdateAsync(set => set.SetProperty(comment => comment.CreatedAt, comment => comment.CreatedAt - Comment.EditWindow), Cancelled));
        (await author.SendJsonAsync(HttpMethod.Patch, path, new { text = "Too late" })).ShouldBeProblem(422, "edit_window_over");

        (await other.SendJsonAsync(HttpMethod.Delete, path)).Status.ShouldBe(404);
        (await author.SendJsonAsync(HttpMethod.Delete, path)).Status.ShouldBe(204);
        (await author.SendJsonAsync(HttpMethod.Delete, path)).Status.ShouldBe(404);
        (await ListAsync(anyone, report.Id)).ShouldBeEmpty();
        (await CountAsync(report.Id)).ShouldBe(0);
    }

    [Fact]
    public async Task A_hidden_comment_is_for_its_author_and_staff()
    {
        var report = (await service.FileAsync()).Id;
        using var author = service.Citizen(out _);
        using var other = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();
        using var staff = service.NewUser(Roles.Staff);
        using var moderator = service.NewUser(Roles.Moderator);
        var comment = (await AddAsync(author, report, "Insult")).Body.Id;
        var path = $"{Root}/{report}/comments/{comment}";

        (await staff.SendJsonAsync(HttpMethod.Patch, path, new { hidden = true, reason = "Insulting" })).ShouldBeProblem(403, "forbidden");
        (await moderator.SendJsonAsync(HttpMethod.Patch, path, new { hidden = true })).Body.BadFields.ShouldBe(["reason"]);
        (await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => moderator.SendJsonAsync(HttpMethod.Patch, path, new { hidden = true, reason = "Insulting" }))))
            .ShouldAllBe(response => response.Status == 200);

        (await CountAsync(report)).ShouldBe(0);
        foreach (var reader in new[] { other, anyone })
        {
            (await ListAsync(reader, report)).ShouldBeEmpty();
            (await reader.ReadAsync($"{Root}/{report}/timeline")).Body.ToString().ShouldNotContain("Insult");
        }

        (await other.SendJsonAsync(HttpMethod.Patch, path, new { text = "x" })).Status.ShouldBe(404);
        foreach (var reader in new[] { author, staff, moderator })
        {
            (await ListAsync(reader, report)).ShouldHaveSingleItem().GetProperty("hidden_reason").GetString().ShouldBe("Insulting");
        }

        (await moderator.SendJsonAsync(HttpMethod.Patch, path, new { hidden = false })).Body.GetProperty("hidden_reason").ValueKind.ShouldBe(JsonValueKind.Null);
        (await ListAsync(anyone, report)).ShouldHaveSingleItem();
        (await CountAsync(report)).ShouldBe(1);
    }

    [Fact]
    public async Task The_public_does_not_learn_that_a_comment_is_by_the_reporter_of_an_anonymous_report()
    {
        using var owner = service.NewUser(Roles.Staff);
        using var filed = await owner.PostReportAsync(new { title = "A deep hole", description = "", category = "pothole", latitude = 1, longitude = 1, anonymous = true });
        var report = await filed.JsonAsync();
        using var staff = service.NewUser(Roles.Staff, Roles.Moderator);
        using var citizen = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();

        (await AddAsync(owner, report.Id, "It is still there.")).Status.ShouldBe(201);
        (await AddAsync(staff, report.Id, "We are on it.")).Status.ShouldBe(201);

        var reporter = report.GetProperty("user_id").GetGuid().ToString();
        foreach (var reader in new[] { anyone, citizen })
        {
            var comments = await ListAsync(reader, report.Id);
            comments.Select(comment => (comment.GetProperty("author").GetString(), comment.GetProperty("by_staff").GetBoolean(), comment.GetProperty("role").GetString()))
                .ShouldBe([("reporter", false, null), ("staff", true, "moderator")]);
            comments[0].GetProperty("user_id").ValueKind.ShouldBe(JsonValueKind.Null);
            foreach (var path in new[] { "comments", "timeline" })
            {
                (await reader.ReadAsync($"{Root}/{report.Id}/{path}")).Body.ToString().ShouldNotContain(reporter, Case.Insensitive);
            }
        }

        (await ListAsync(staff, report.Id))[0].GetProperty("user_id").GetString().ShouldBe(reporter);
    }

    [Fact]
    public async Task A_private_report_has_no_comments_for_others()
    {
        using var owner = service.Citizen(out _);
        using var filed = await owner.PostReportAsync(new { title = "A secret", description = "", category = "pothole", latitude = 1, longitude = 1, @private = true });
        var report = (await filed.JsonAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);
        (await AddAsync(staff, report, "We are on it.")).Status.ShouldBe(201);
        (await AddAsync(owner, report, "Thank you.")).Status.ShouldBe(201);

        (await ListAsync(owner, report)).Count.ShouldBe(2);
        using var stranger = service.Citizen(out _);
        (await AddAsync(stranger, report, "Let me in")).Status.ShouldBe(404);
        foreach (var path in new[] { "comments", "timeline", "votes", "follow" })
        {
            (await stranger.ReadAsync($"{Root}/{report}/{path}")).Status.ShouldBe(404, path);
        }
    }

    [Fact]
    public async Task Of_40_concurrent_comments_of_a_user_30_are_accepted_and_listed_in_pages()
    {
        var report = (await service.FileAsync()).Id;
        using var author = service.Citizen(out _);

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => AddAsync(author, report, $"Comment {number}")));

        answers.Count(answer => answer.Status == 201).ShouldBe(30);
        var refused = answers.Where(answer => answer.Status != 201).ToArray();
        Array.ForEach(refused, answer => answer.ShouldBeProblem(429, "comment_quota_exceeded"));
        (await CountAsync(report)).ShouldBe(30);
        var pages = await author.AllPagesAsync($"{Root}/{report}/comments?", 10);
        pages.Select(comment => comment.Id).ShouldBe(answers.Where(answer => answer.Status == 201).Select(answer => answer.Body.Id), ignoreOrder: true);
        pages.Select(comment => comment.GetProperty("created_at").GetDateTimeOffset()).ShouldBeInOrder();
        (await author.AllPagesAsync($"{Root}/{report}/timeline?", 7)).Count.ShouldBe(31);
        using var refusal = await author.PostAsJsonAsync($"{Root}/{report}/comments", new { text = "One more" }, Cancelled);
        (refusal.Headers.RetryAfter?.Delta ?? default).TotalMinutes.ShouldBeInRange(50, 60);
    }

    [Fact]
    public async Task The_timeline_has_changes_and_comments_in_order_of_time()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);
        await AddAsync(owner, report, "Please hurry.");
        (await staff.ChangeStatusAsync(report, new { status = "in_progress", comment = "On our way." })).Status.ShouldBe(200);
        await AddAsync(owner, report, "Thank you.");

        string[] expected = ["submitted", "Please hurry.", "verified", "in_progress", "Thank you."];
        foreach (var limit in new[] { 1, 2, 50 })
        {
            var entries = await owner.AllPagesAsync($"{Root}/{report}/timeline?", limit);
            entries.Select(entry => entry.GetProperty("comment") is { ValueKind: JsonValueKind.Object } comment
                ? comment.GetProperty("text").GetString() : entry.GetProperty("change").GetProperty("to").GetString()).ShouldBe(expected);
        }

        using var anyone = service.Host.Anonymous();
        using var first = await anyone.GetAsync($"{Root}/{report}/timeline", Cancelled);
        first.Headers.CacheControl?.Public.ShouldBeTrue();
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await anyone.ReadAsync($"{Root}/{report}/timeline?cursor=x")).Body.BadFields.ShouldBe(["cursor"]);
    }

    private Task<int> CountAsync(Guid report) =>
        service.QueryAsync(database => database.Reports.Where(row => row.Id == report).Select(row => row.Comments).SingleAsync(Cancelled));

    private static async Task<List<JsonElement>> ListAsync(HttpClient client, Guid report) =>
        [.. (await client.ReadAsync($"{Root}/{report}/comments")).Body.GetProperty("items").EnumerateArray()];

    private static Task<(int Status, JsonElement Body)> AddAsync(HttpClient client, Guid report, string text) =>
        client.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/comments", new { text });
}
