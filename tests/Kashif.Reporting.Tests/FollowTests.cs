using System.Net;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Follows;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Who follows reports, and who is told of what.</summary>
[Collection(typeof(Alone))]
public sealed class FollowTests(ReportingService service)
{
    [Fact]
    public async Task Followed_reports_are_listed_while_everyone_may_see_them()
    {
        using var owner = service.Citizen(out _);
        using var user = service.Citizen(out _);
        var reports = new List<Guid>();
        for (var number = 0; number < 4; number++)
        {
            reports.Add((await owner.FileAsync()).Id);
            (await FollowAsync(user, reports[^1])).Body.GetProperty("following").GetBoolean().ShouldBeTrue();
            (await FollowAsync(user, reports[^1])).Status.ShouldBe(200);
        }

        (await FollowAsync(owner, reports[0])).ShouldBeProblem(422, "own_report");
        await HideAsync(reports[1]);
        (await user.SendJsonAsync(HttpMethod.Delete, $"{Root}/{reports[2]}/follow")).Body.GetProperty("following").GetBoolean().ShouldBeFalse();
        (await user.SendJsonAsync(HttpMethod.Delete, $"{Root}/{reports[2]}/follow")).Status.ShouldBe(404);

        foreach (var limit in new[] { 1, 2 })
        {
            (await user.AllPagesAsync($"{Root}/follows?", limit)).Select(item => item.GetProperty("report").Id).ShouldBe([reports[3], reports[0]]);
        }

        using var stranger = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        (await FollowAsync(stranger, reports[1])).Status.ShouldBe(404);
        (await FollowAsync(staff, reports[1])).Status.ShouldBe(404);
        (await user.SendJsonAsync(HttpMethod.Delete, $"{Root}/{reports[1]}/follow")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Followers_are_told_of_changes_and_comments_but_not_of_their_own_or_of_hidden_reports()
    {
        var report = (await service.FileAsync()).Id;
        using var staff = service.Host.As(Guid.CreateVersion7(), Roles.Staff);
        using var first = service.Citizen(out var firstId);
        using var second = service.Citizen(out var secondId);
        foreach (var follower in new[] { first, second, staff })
        {
            (await FollowAsync(follower, report)).Status.ShouldBe(200);
        }

        (await staff.ChangeStatusAsync(report, new { status = "verified", comment = "We have seen it." })).Status.ShouldBe(200);
        var change = (await service.Tap.WaitForAsync(ReportFollowerNotice.Type, data => IsOf(data, report))).GetProperty("data");
        (change.GetProperty("status").GetString(), change.GetProperty("comment").GetString(), change.GetProperty("title").GetString())
            .ShouldBe(("verified", "We have seen it.", "A deep hole"));
        UsersOf(change).ShouldBe([firstId, secondId], ignoreOrder: true);

        var comment = (await first.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/comments", new { text = "Thank you" })).Body.Id;
        var commented = (await service.Tap.WaitForAsync(ReportFollowerNotice.Type, data => data.GetProperty("comment_id").ToString() == comment.ToString())).GetProperty("data");
        UsersOf(commented).ShouldNotContain(firstId);
        UsersOf(commented).ShouldContain(secondId);
        commented.GetProperty("status").ValueKind.ShouldBe(JsonValueKind.Null);

        await HideAsync(report);
        (await staff.ChangeStatusAsync(report, new { status = "in_progress" })).Status.ShouldBe(200);
        await AfterAllEventsAsync();
        service.Tap.Envelopes(ReportFollowerNotice.Type).Count(envelope => IsOf(envelope.GetProperty("data"), report)).ShouldBe(2);
    }

    [Fact]
    public async Task Each_of_1200_followers_is_told_once_in_batches()
    {
        var report = (await service.FileAsync()).Id;
        var followers = Enumerable.Range(0, 1200).Select(_ => Guid.CreateVersion7()).ToArray();
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"INSERT INTO follows (report_id, user_id, at) SELECT {report}, id, now() - interval '1 day' FROM unnest({followers}) AS follower (id)", Cancelled));
        using var staff = service.NewUser(Roles.Staff);

        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);

        await Eventually.TrueAsync(() => Told().Count >= 1200, "all followers");
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => !await database.FollowerNotices.AnyAsync(notice => notice.ReportId == report, Cancelled)), "the end");
        Told().ShouldBe(followers, ignoreOrder: true);
        var notices = service.Tap.Envelopes(ReportFollowerNotice.Type).Select(envelope => envelope.GetProperty("data")).Where(data => IsOf(data, report)).ToList();
        notices.ShouldAllBe(data => UsersOf(data).Length <= FollowerNotices.Batch);
        notices.Select(data => data.GetProperty("cause_id").GetGuid()).Distinct().ShouldHaveSingleItem();

        List<Guid> Told() => [.. service.Tap.Envelopes(ReportFollowerNotice.Type).Select(envelope => envelope.GetProperty("data")).Where(data => IsOf(data, report)).SelectMany(UsersOf)];
    }

    [Fact]
    public async Task Followers_of_a_merged_report_are_told_of_the_merge()
    {
        var (duplicate, original) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        using var both = service.Citizen(out var bothId);
        using var one = service.Citizen(out var oneId);
        using var late = service.Citizen(out _);
        await FollowAsync(both, duplicate);
        await FollowAsync(both, original);
        await FollowAsync(one, duplicate);
        await service.QueryAsync(async database =>
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancelled);
            await ReportFollows.MoveAsync(database, duplicate, original, Cancelled);
            await transaction.CommitAsync(Cancelled);
            return 0;
        });
        await FollowAsync(late, original);

        using var staff = service.NewUser(Roles.Staff);
        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original })).Status.ShouldBe(200);

        UsersOf((await service.Tap.WaitForAsync(ReportFollowerNotice.Type, data => IsOf(data, duplicate))).GetProperty("data")).ShouldBe([bothId, oneId], ignoreOrder: true);
    }

    [Fact]
    public async Task To_unfollow_beside_a_merge_ends_the_follow_that_has_moved()
    {
        var (duplicate, original) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        using var follower = service.Citizen(out var user);
        await FollowAsync(follower, duplicate);

        await using var merge = new NpgsqlConnection(service.Host.Database);
        await merge.OpenAsync(Cancelled);
        await using var transaction = await merge.BeginTransactionAsync(Cancelled);
        await using var locked = new NpgsqlCommand("SELECT FROM reports WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE", merge) { Parameters = { new() { Value = duplicate }, new() { Value = original } } };
        await locked.ExecuteNonQueryAsync(Cancelled);
        await using var moved = new NpgsqlCommand("UPDATE follows SET report_id = $2, moved_from = $1 WHERE report_id = $1", merge) { Parameters = { new() { Value = duplicate }, new() { Value = original } } };
        (await moved.ExecuteNonQueryAsync(Cancelled)).ShouldBe(1);
        var ending = follower.DeleteAsync($"{Root}/{duplicate}/follow", Cancelled);
        await service.WaitForLockAsync(merge.ProcessID);
        await transaction.CommitAsync(Cancelled);

        using var ended = await ending;
        ended.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await service.QueryAsync(database => database.Follows.AnyAsync(follow => follow.UserId == user, Cancelled))).ShouldBeFalse();
    }

    [Fact]
    public async Task An_erased_users_votes_comments_and_follows_go_and_the_counts_with_them()
    {
        var report = (await service.FileAsync()).Id;
        using var user = service.Host.As(Guid.CreateVersion7());
        using var leaving = service.Citizen(out var leavingId);
        using var clerk = service.Host.As(leavingId, Roles.Staff);
        foreach (var voter in new[] { user, leaving })
        {
            (await voter.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/votes")).Status.ShouldBe(200);
            (await voter.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/comments", new { text = "My name is on the door." })).Status.ShouldBe(201);
        }

        var official = (await clerk.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/comments", new { text = "The city is on it." })).Body.Id;
        using var auth = service.Host.AsService();
        using var queries = PersonQueries.Record(leavingId);
        var export = (await auth.ReadAsync($"/internal/v1/users/{leavingId}/export")).Body;
        export.GetProperty("comments").EnumerateArray().Select(comment => comment.GetProperty("text").GetString()).ShouldBe(["My name is on the door.", "The city is on it."]);
        export.GetProperty("votes").GetArrayLength().ShouldBe(1);
        export.GetProperty("follows").GetArrayLength().ShouldBe(1);

        await service.Tap.EraseAsync(leavingId, ResourceNames.Reporting);

        (await queries.ScansAsync(service.Host.Database)).ShouldBeEmpty();
        (await DatabaseScan.TablesWithAsync(service.Host.Database, leavingId.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        var kept = (await user.ReadAsync($"{Root}/{report}")).Body;
        (kept.GetProperty("votes").GetInt32(), kept.GetProperty("comments").GetInt32()).ShouldBe((1, 2));
        var comments = (await user.ReadAsync($"{Root}/{report}/comments")).Body.GetProperty("items").EnumerateArray().ToArray();
        comments.Length.ShouldBe(2);
        comments.Single(comment => comment.Id == official).GetProperty("user_id").GetGuid().ShouldBe(Guid.Empty);
    }

    /// <summary>A later change was told, so all earlier ones were handled.</summary>
    private async Task AfterAllEventsAsync()
    {
        var report = (await service.FileAsync()).Id;
        using var follower = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        await FollowAsync(follower, report);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
        await service.Tap.WaitForAsync(ReportFollowerNotice.Type, data => IsOf(data, report));
    }

    private Task<int> HideAsync(Guid id) => service.QueryAsync(database => database.Reports.Where(report => report.Id == id)
        .ExecuteUpdateAsync(set => set.SetProperty(report => report.Hidden, true), Cancelled));

    private static bool IsOf(JsonElement data, Guid report) => data.GetProperty("report_id").GetGuid() == report;

    private static Guid[] UsersOf(JsonElement data) => [.. data.GetProperty("user_ids").EnumerateArray().Select(user => user.GetGuid())];

    private static Task<(int Status, JsonElement Body)> FollowAsync(HttpClient client, Guid report) => client.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/follow");
}
