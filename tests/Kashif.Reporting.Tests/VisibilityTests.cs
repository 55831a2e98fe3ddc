using System.Net;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Who sees what of a report that is anonymous, private or hidden.</summary>
public sealed class VisibilityTests(ReportingService service)
{
    [Theory]
    [InlineData("private")]
    [InlineData("hidden")]
    public async Task Only_the_owner_and_staff_see_a_report_that_is_not_public(string flag)
    {
        using var owner = service.Citizen(out _);
        var id = await FileAsync(owner, isPrivate: flag == "private");
        if (flag == "hidden")
        {
            await service.QueryAsync(database => database.Reports.Where(report => report.Id == id)
                .ExecuteUpdateAsync(set => set.SetProperty(report => report.Hidden, true), Cancelled));
        }

        using var stranger = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();
        using var staff = service.NewUser(Roles.Staff);
        foreach (var reader in new[] { stranger, anyone })
        {
            (await reader.ReadAsync($"{Root}/{id}")).Status.ShouldBe(404);
            (await reader.ReadAsync($"{Root}/{id}/history")).Status.ShouldBe(404);
        }

        (await stranger.ChangeStatusAsync(id, new { status = "withdrawn" })).Status.ShouldBe(404);
        foreach (var reader in new[] { owner, staff })
        {
            using var response = await reader.GetAsync($"{Root}/{id}", Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Headers.CacheControl?.Private.ShouldBeTrue();
            (await response.JsonAsync()).GetProperty(flag).GetBoolean().ShouldBeTrue();
            (await reader.ReadAsync($"{Root}/{id}/history")).Status.ShouldBe(200);
        }

        string[] lists = ["?category=noise&sort=newest", "?category=noise&latitude=11&longitude=12&radius_km=1", "?category=noise&latitude=11&longitude=12&radius_km=1&sort=newest"];
        foreach (var list in lists)
        {
            (await staff.AllPagesAsync($"{Root}{list}", 100)).Select(report => report.Id).ShouldNotContain(id, list);
        }

        (await owner.AllPagesAsync($"{Root}/my-reports?", 100)).ShouldHaveSingleItem().Id.ShouldBe(id);
    }

    [Fact]
    public async Task The_public_does_not_learn_who_filed_an_anonymous_report()
    {
        using var owner = service.Citizen(out var ownerId);
        var id = await FileAsync(owner, anonymous: true);
        (await owner.ChangeStatusAsync(id, new { status = "withdrawn" })).Status.ShouldBe(200);

        using var anyone = service.Host.Anonymous();
        using var staff = service.NewUser(Roles.Staff);
        string[] paths = [$"{Root}/{id}", $"{Root}/{id}/history", $"{Root}?category=noise&latitude=11&longitude=12&radius_km=1&limit=100"];
        foreach (var path in paths)
        {
            (await anyone.ReadAsync(path)).Body.ToString().ShouldNotContain(ownerId.ToString(), Case.Insensitive, path);
        }

        (await staff.ReadAsync(paths[0])).Body.GetProperty("user_id").GetGuid().ShouldBe(ownerId);
        (await staff.ReadAsync(paths[1])).Body.ToString().ShouldContain(ownerId.ToString());
        using var full = await staff.GetAsync(paths[0], Cancelled);
        using var reduced = await anyone.GetAsync(paths[0], Cancelled);
        full.Headers.ETag.ShouldNotBe(reduced.Headers.ETag);
    }

    [Fact]
    public async Task A_vote_changes_the_entity_tag_but_does_not_make_a_change_by_staff_fail()
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);
        using var before = await staff.GetAsync($"{Root}/{id}", Cancelled);
        var tag = before.Headers.ETag.ShouldNotBeNull().Tag;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => service.QueryAsync(async database =>
        {
            await database.CountAsync(id, votes: 1, cancellationToken: Cancelled);
            return 0;
        })));

        using var after = await staff.GetAsync($"{Root}/{id}", Cancelled);
        after.Headers.ETag.ShouldNotBeNull().Tag.ShouldNotBe(tag);
        (await after.JsonAsync()).GetProperty("votes").GetInt32().ShouldBe(8);
        (await staff.ChangeStatusAsync(id, new { status = "verified" }, tag)).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(id, new { status = "in_progress" }, after.Headers.ETag.Tag)).Status.ShouldBe(412);
    }

    private static async Task<Guid> FileAsync(HttpClient client, bool anonymous = false, bool isPrivate = false)
    {
        using var response = await client.PostReportAsync(
            new { title = "Loud music", description = "", category = "noise", latitude = 11, longitude = 12, anonymous, @private = isPrivate });
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        return (await response.JsonAsync()).Id;
    }
}
