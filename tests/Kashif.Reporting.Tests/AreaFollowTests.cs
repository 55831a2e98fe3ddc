using System.Net;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Follows;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using NetTopologySuite.Geometries;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Who follows areas, and who is told of which reports there. Each test has a square of its own in the Pacific.</summary>
[Collection(typeof(Alone))] // other hosts consume from the same queue
public sealed class AreaFollowTests(ReportingService service)
{
    private const string Areas = $"{Root}/areas";

    [Fact]
    public async Task Followers_of_an_area_are_told_once_of_new_and_of_resolved_reports()
    {
        var (outer, inner) = (await AreaAsync(-150, -60, 2), await AreaAsync(-150, -60, 1));
        using var owner = service.Citizen(out var ownerId);
        using var inside = service.Citizen(out var insideId);
        using var around = service.Citizen(out var aroundId);
        using var both = service.Citizen(out var bothId);
        using var neighbour = service.Citizen(out var neighbourId);
        var staffId = Guid.CreateVersion7();
        using var staff = service.Host.As(staffId, Roles.Staff);
        foreach (var (client, area) in new[] { (owner, outer), (inside, inner), (around, outer), (both, outer), (both, inner), (neighbour, outer), (staff, outer) })
        {
            await FollowAsync(client, area);
        }

        var report = (await owner.FileAsync(-59.5, -149.5)).Id;
        await Eventually.TrueAsync(() => ToldOf(report, resolved: false).Length >= 5, "a notice for each area");
        ToldOf(report, resolved: false).ShouldBe([(inner, insideId), (inner, bothId), (outer, aroundId), (outer, neighbourId), (outer, staffId)], ignoreOrder: true);

        (await neighbour.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/follow")).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(report, new { status = "in_progress" })).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(report, new { status = "resolved", comment = "Filled." })).Status.ShouldBe(200);
        var resolved = (await service.Tap.WaitForAsync(AreaFollowerNotice.Type, data => IsOf(data, report) && data.GetProperty("resolved").GetBoolean())).GetProperty("data");
        (resolved.GetProperty("title").GetString(), resolved.GetProperty("comment").GetString()).ShouldBe(("A deep hole", "Filled."));
        await Eventually.TrueAsync(() => ToldOf(report, resolved: true).Length >= 3, "a notice for each area");
        ToldOf(report, resolved: true).ShouldBe([(inner, insideId), (inner, bothId), (outer, aroundId)], ignoreOrder: true);
        var followed = (await service.Tap.WaitForAsync(ReportFollowerNotice.Type, data => IsOf(data, report) && data.GetProperty("status").GetString() == "resolved")).GetProperty("data");
        UsersOf(followed).ShouldBe([neighbourId]);
        ToldOf(report, resolved: false).Length.ShouldBe(5, "the other changes are for the report's followers");
    }

    [Fact]
    public async Task No_one_is_told_of_private_and_hidden_reports_nor_the_reporter_and_the_employee_of_their_own()
    {
        var area = await AreaAsync(-140, -60, 1);
        using var follower = service.Citizen(out var followerId);
        using var reporter = service.Citizen(out _);
        var customer = Guid.CreateVersion7();
        service.Issuer.Customers[customer] = "";
        using var customerClient = service.Host.As(customer);
        using var clerk = service.NewUser(Roles.Counter);
        using var staff = service.NewUser(Roles.Staff);
        foreach (var client in new[] { follower, customerClient, clerk })
        {
            await FollowAsync(client, area);
        }

        var hidden = (await reporter.FileAsync(-59.5, -139.5)).Id;
        await service.Tap.WaitForAsync(AreaFollowerNotice.Type, data => IsOf(data, hidden));
        await service.QueryAsync(database => database.Reports.Where(row => row.Id == hidden).ExecuteUpdateAsync(set => set.SetProperty(row => row.Hidden, true), Cancelled));
        foreach (var status in new[] { "verified", "in_progress", "resolved" })
        {
            (await staff.ChangeStatusAsync(hidden, new { status })).Status.ShouldBe(200);
        }

        using var kept = await reporter.PostReportAsync(new { title = "Mine", description = "", category = "pothole", latitude = -59.5, longitude = -139.5, @private = true });
        var secret = (await kept.JsonAsync()).Id;
        using var filed = await clerk.PostReportAsync(new { title = "By phone", description = "", category = "pothole", latitude = -59.5, longitude = -139.5, on_behalf_of = customer });
        var theirs = (await filed.JsonAsync()).Id;
        await service.Tap.WaitForAsync(AreaFollowerNotice.Type, data => IsOf(data, theirs));
        await AfterAllChangesAsync(reporter, staff);

        ToldOf(theirs, resolved: false).ShouldBe([(area, followerId)]);
        ToldOf(secret, resolved: false).ShouldBeEmpty();
        ToldOf(hidden, resolved: true).ShouldBeEmpty();
    }

    [Fact]
    public async Task Each_of_1200_followers_of_two_areas_is_told_once_in_batches()
    {
        var (outer, inner) = (await AreaAsync(-130, -60, 2), await AreaAsync(-130, -60, 1));
        var followers = Enumerable.Range(0, 1200).Select(_ => Guid.CreateVersion7()).ToArray();
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"""
            INSERT INTO area_follows (area_id, user_id, at)
            SELECT area, id, now() - interval '1 day' FROM unnest({followers}) WITH ORDINALITY AS follower (id, number)
                CROSS JOIN unnest({new[] { outer, inner }}) AS area WHERE area = {outer} OR number % 2 = 0
            """, Cancelled));

        using var reporter = service.Citizen(out _);
        var report = (await reporter.FileAsync(-59.5, -129.5)).Id;

        await Eventually.TrueAsync(() => ToldOf(report, resolved: false).Length >= 1200, "all followers");
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => !await database.FollowerNotices.AnyAsync(notice => notice.ReportId == report, Cancelled)), "the end");
        var told = ToldOf(report, resolved: false);
        told.ShouldBe(followers.Select((user, index) => (index % 2 == 1 ? inner : outer, user)), ignoreOrder: true);
        NoticesOf(report).Count.ShouldBeGreaterThanOrEqualTo(3);
        NoticesOf(report).ShouldAllBe(data => UsersOf(data).Length <= FollowerNotices.Batch);
    }

    [Fact]
    public async Task Followed_areas_are_listed_and_end_with_the_area_or_the_account()
    {
        var areas = new List<Guid>();
        using var user = service.Citizen(out var userId);
        for (var number = 0; number < 4; number++)
        {
            areas.Add(await AreaAsync(-120 + number, -60, 1));
            await FollowAsync(user, areas[^1]);
            await FollowAsync(user, areas[^1]);
        }

        (await user.ReadAsync($"{Areas}/{areas[1]}/follow")).Body.GetProperty("following").GetBoolean().ShouldBeTrue();
        (await user.SendJsonAsync(HttpMethod.Delete, $"{Areas}/{areas[1]}/follow")).Body.GetProperty("following").GetBoolean().ShouldBeFalse();
        (await user.SendJsonAsync(HttpMethod.Delete, $"{Areas}/{areas[1]}/follow")).ShouldBeProblem(404, "not_found");
        (await user.ReadAsync($"{Areas}/{areas[1]}/follow")).Body.GetProperty("following").GetBoolean().ShouldBeFalse();
        using var admin = service.NewUser(Roles.Admin);
        using (var deleted = await admin.DeleteAsync($"{Areas}/{areas[2]}", Cancelled))
        {
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete })
        {
            (await user.SendJsonAsync(method, $"{Areas}/{areas[2]}/follow")).ShouldBeProblem(404, "not_found");
        }

        foreach (var limit in new[] { 1, 2 })
        {
            (await user.AllPagesAsync($"{Areas}/follows?", limit)).Select(item => item.Id).ShouldBe([areas[3], areas[0]]);
        }

        using var auth = service.Host.AsService();
        var export = (await auth.ReadAsync($"/internal/v1/users/{userId}/export")).Body;
        export.GetProperty("area_follows").EnumerateArray().Select(follow => follow.GetProperty("area_id").GetGuid()).ShouldBe([areas[0], areas[3]]);
        await service.Tap.EraseAsync(userId, ResourceNames.Reporting);
        (await DatabaseScan.TablesWithAsync(service.Host.Database, userId.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task To_follow_an_area_while_it_is_deleted_is_a_404()
    {
        var area = await AreaAsync(-110, -60, 1);
        using var user = service.Citizen(out _);
        await using var deletion = new NpgsqlConnection(service.Host.Database);
        await deletion.OpenAsync(Cancelled);
        await using var transaction = await deletion.BeginTransactionAsync(Cancelled);
        await using var delete = new NpgsqlCommand("DELETE FROM areas WHERE id = $1", deletion) { Parameters = { new() { Value = area } } };
        await delete.ExecuteNonQueryAsync(Cancelled);

        var following = user.SendJsonAsync(HttpMethod.Put, $"{Areas}/{area}/follow");
        await service.WaitForLockAsync(deletion.ProcessID);
        await transaction.CommitAsync(Cancelled);

        (await following).ShouldBeProblem(404, "not_found");
    }

    /// <summary>A later change was told, so all earlier ones were handled.</summary>
    private async Task AfterAllChangesAsync(HttpClient follower, HttpClient staff)
    {
        var report = (await service.FileAsync()).Id;
        (await follower.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/follow")).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
        await service.Tap.WaitForAsync(ReportFollowerNotice.Type, data => IsOf(data, report));
    }

    /// <summary>Adds a square without an agency. Directly: no report of another test is routed again.</summary>
    private async Task<Guid> AreaAsync(double west, double south, double size)
    {
        var id = Guid.CreateVersion7();
        var (east, north) = (west + size, south + size);
        var boundary = new MultiPolygon([new Polygon(new LinearRing([new(west, south), new(east, south), new(east, north), new(west, north), new(west, south)]))]) { SRID = 4326 };
        await service.QueryAsync(database =>
        {
            database.Add(new CityArea { Id = id, NameEn = $"Square {id:N}", NameAr = "مربع", Boundary = boundary, SquareMetres = size, CreatedAt = TimeProvider.System.GetUtcNow() });
            return database.SaveChangesAsync(Cancelled);
        });
        service.Host.Services.GetRequiredService<AgencyRouting>().Expire();
        return id;
    }

    private static async Task FollowAsync(HttpClient client, Guid area) =>
        (await client.SendJsonAsync(HttpMethod.Put, $"{Areas}/{area}/follow")).Body.GetProperty("following").GetBoolean().ShouldBeTrue();

    private List<JsonElement> NoticesOf(Guid report) =>
        [.. service.Tap.Envelopes(AreaFollowerNotice.Type).Select(envelope => envelope.GetProperty("data")).Where(data => IsOf(data, report))];

    private (Guid Area, Guid User)[] ToldOf(Guid report, bool resolved) =>
    [
        .. NoticesOf(report).Where(data => data.GetProperty("resolved").GetBoolean() == resolved)
            .SelectMany(data => UsersOf(data).Select(user => (data.GetProperty("area_id").GetGuid(), user))),
    ];

    private static bool IsOf(JsonElement data, Guid report) => data.GetProperty("report_id").GetGuid() == report;

    private static Guid[] UsersOf(JsonElement data) => [.. data.GetProperty("user_ids").EnumerateArray().Select(user => user.GetGuid())];
}
