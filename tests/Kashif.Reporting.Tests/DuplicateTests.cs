using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.EditingTests;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Suggestions before filing, and merges.</summary>
public sealed class DuplicateTests(ReportingService service)
{
    private const double MetresPerDegree = 111_195;

    [Theory]
    [InlineData(0, 0)]
    [InlineData(60, 179.9999999)]
    [InlineData(-33, 151)]
    public async Task Similar_reports_are_open_public_and_near_and_the_nearest_come_first(double latitude, double longitude)
    {
        using var user = service.Citizen(out _);
        var near = await service.SeedAsync([.. Enumerable.Range(0, 12).Select(step => (latitude + (step * 3 / MetresPerDegree), longitude))], category: "noise");
        await service.SeedAsync([(latitude + (60 / MetresPerDegree), longitude)], category: "noise"); // too far
        await service.SeedAsync([(latitude, longitude)], category: "garbage");
        await service.SeedAsync([(latitude, longitude)], category: "noise", status: "resolved");
        await service.QueryAsync(database => database.Reports.Where(report => report.Id == near[0]).ExecuteUpdateAsync(set => set.SetProperty(report => report.Private, true), Cancelled));

        var (status, body) = await user.ReadAsync(FormattableString.Invariant($"{Root}/similar?category=noise&latitude={latitude}&longitude={longitude}"));

        status.ShouldBe(200, body.ToString());
        var items = body.GetProperty("items").EnumerateArray().ToArray();
        items.Select(item => item.Id).ShouldBe(near[1..11]);
        items[0].GetProperty("distance_km").GetDouble().ShouldBe(0.003, 0.0001);
        (await user.ReadAsync($"{Root}/similar?category=nothing&latitude=95")).Body.BadFields.ShouldBe(["category", "latitude", "longitude"]);
        using var anyone = service.Host.Anonymous();
        (await anyone.ReadAsync($"{Root}/similar?category=noise&latitude=1&longitude=1")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task A_merge_links_both_sides_and_is_published()
    {
        using var owner = service.Citizen(out var ownerId);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var original = await service.FileAsync();
        var duplicate = (await owner.FileAsync()).Id;

        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original.Id })).Status.ShouldBe(200);

        (await anyone.AllPagesAsync($"{Root}/{original.Id}/duplicates?", 10)).ShouldHaveSingleItem().Id.ShouldBe(duplicate);
        var told = (await service.Tap.WaitForAsync(ReportMerged.Type, data => data.GetProperty("report_id").GetGuid() == duplicate)).GetProperty("data");
        (told.GetProperty("original_id").GetGuid(), told.GetProperty("user_id").GetGuid(), told.GetProperty("original_user_id").GetGuid(), told.GetProperty("version").GetInt32())
            .ShouldBe((original.Id, ownerId, original.GetProperty("user_id").GetGuid(), 2));

        // The original cannot be merged itself, and a duplicate that is taken back is none.
        var third = (await service.FileAsync()).Id;
        (await staff.ChangeStatusAsync(original.Id, new { status = "duplicate", duplicate_of = third })).Body.BadFields.ShouldBe(["duplicate_of"]);
        (await staff.ChangeStatusAsync(duplicate, new { status = "submitted", comment = "Another hole" })).Body.TryGetProperty("duplicate_of", out _).ShouldBeFalse();
        (await anyone.AllPagesAsync($"{Root}/{original.Id}/duplicates?", 10)).ShouldBeEmpty();
        (await anyone.ReadAsync($"{Root}/{Guid.CreateVersion7()}/duplicates")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task The_original_of_a_public_report_is_public_and_private_duplicates_are_not_listed()
    {
        using var owner = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var (open, secret) = ((await service.FileAsync()).Id, (await owner.FileAsync()).Id);
        (await SendAsync(owner, HttpMethod.Patch, $"{secret}", new { @private = true })).Status.ShouldBe(200);

        (await staff.ChangeStatusAsync(open, new { status = "duplicate", duplicate_of = secret })).Body.BadFields.ShouldBe(["duplicate_of"]);
        (await staff.ChangeStatusAsync(secret, new { status = "duplicate", duplicate_of = open })).Status.ShouldBe(200);
        (await anyone.AllPagesAsync($"{Root}/{open}/duplicates?", 10)).ShouldBeEmpty();
        foreach (var reader in new[] { owner, staff })
        {
            (await reader.AllPagesAsync($"{Root}/{open}/duplicates?", 10)).ShouldHaveSingleItem().Id.ShouldBe(secret);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_original_that_is_not_public_any_more_is_not_named_to_others(bool byOwner)
    {
        using var first = service.Citizen(out _);
        using var second = service.Citizen(out var secondId);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        using var auth = service.Host.AsService();
        var (original, duplicate) = ((await first.FileAsync(-61.5, byOwner ? 10 : 11)).Id, (await second.FileAsync(-61.5, byOwner ? 10 : 11)).Id);
        (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original })).Status.ShouldBe(200);
        string[] lists = [$"?latitude=-61.5&longitude={(byOwner ? 10 : 11)}&radius_km=1", "/my-reports?status=duplicate"];
        (await NamedAsync()).ShouldBe([original, original, original, original, original]);
        var tag = await TagAsync();
        var changedIn = await ChangedInAsync();

        object hide = byOwner ? new { @private = true } : new { hidden = true, reason = "Shows a face" };
        (await EditAsync(byOwner ? first : staff, original, hide)).Status.ShouldBe(200);

        (await NamedAsync()).ShouldBe([null, null, null, null, null]);
        (await TagAsync()).ShouldNotBe(tag);
        (await OriginalOfAsync(staff, $"{Root}/{duplicate}")).ShouldBe(original);
        (await OriginalOfAsync(first, $"{Root}/{duplicate}")).ShouldBe(original);
        (await ChangedInAsync()).ShouldBeGreaterThan(changedIn, "the feed tells the change");

        object show = byOwner ? new { @private = false } : new { hidden = false };
        (await EditAsync(byOwner ? first : staff, original, show)).Status.ShouldBe(200);
        (await NamedAsync()).ShouldBe([original, original, original, original, original]);

        async Task<Guid?[]> NamedAsync() =>
        [
            await OriginalOfAsync(anyone, $"{Root}/{duplicate}"),
            await OriginalOfAsync(second, $"{Root}/{duplicate}"),
            Named((await anyone.ReadAsync($"{Root}{lists[0]}")).Body.GetProperty("items").EnumerateArray().Single(item => item.Id == duplicate)),
            Named((await second.ReadAsync($"{Root}{lists[1]}")).Body.GetProperty("items").EnumerateArray().Single(item => item.Id == duplicate)),
            Named((await auth.ReadAsync($"/internal/v1/users/{secondId}/export")).Body.GetProperty("reports").EnumerateArray().Single(item => item.Id == duplicate)),
        ];

        async Task<string?> TagAsync()
        {
            using var response = await anyone.GetAsync($"{Root}/{duplicate}", Cancelled);
            return response.Headers.ETag?.ToString();
        }

        Task<ulong> ChangedInAsync() => service.QueryAsync(
            database => database.ReportChanges.Where(change => change.ReportId == duplicate).Select(change => change.ChangedIn).SingleAsync(Cancelled));
    }

    [Fact]
    public async Task A_private_original_stays_unnamed_when_its_duplicate_becomes_public()
    {
        using var owner = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        using var moderator = service.NewUser(Roles.Moderator);
        using var anyone = service.Host.Anonymous();
        var (original, duplicate) = (await FilePrivatelyAsync(), await FilePrivatelyAsync());

        var merged = (await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original })).Body;
        (await EditAsync(moderator, duplicate, new { @private = false })).Status.ShouldBe(200);

        Named(merged).ShouldBe(original, "staff have just named it");
        (await OriginalOfAsync(anyone, $"{Root}/{duplicate}")).ShouldBeNull();
        (await OriginalOfAsync(owner, $"{Root}/{duplicate}")).ShouldBe(original);

        async Task<Guid> FilePrivatelyAsync()
        {
            using var filed = await owner.PostReportAsync(new { title = "My garden", description = "", category = "pothole", latitude = 1, longitude = 1, @private = true });
            return (await filed.JsonAsync()).Id;
        }
    }

    [Fact]
    public async Task Of_a_merge_and_an_edit_at_once_the_duplicate_knows_whether_its_original_is_public()
    {
        using var staff = service.NewUser(Roles.Staff);
        for (var round = 0; round < 6; round++)
        {
            var (original, duplicate) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);

            await Task.WhenAll(
                staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original }), EditAsync(staff, original, new { hidden = true, reason = "Shows a face" }));

            var row = await service.QueryAsync(database => database.Reports.SingleAsync(report => report.Id == duplicate, Cancelled));
            row.OriginalHidden.ShouldBe(row.DuplicateOf is not null);
        }
    }

    private static Task<(int Status, JsonElement Body)> EditAsync(HttpClient client, Guid report, object body) => SendAsync(client, HttpMethod.Patch, $"{report}", body);

    private static async Task<Guid?> OriginalOfAsync(HttpClient client, string path) => Named((await client.ReadAsync(path)).Body);

    private static Guid? Named(JsonElement report) => report.TryGetProperty("duplicate_of", out var original) ? original.GetGuid() : null;

    [Fact]
    public async Task Of_merges_at_once_no_chain_and_no_circle_comes()
    {
        using var staff = service.NewUser(Roles.Staff);
        var ids = new List<Guid>();
        for (var index = 0; index < 8; index++)
        {
            ids.Add((await service.FileAsync()).Id);
        }

        // Every report into every other, and into itself: 64 requests.
        var answers = await Task.WhenAll(
            from duplicate in ids
            from original in ids
            select staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original }));

        answers.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 400 || answer.Status == 422);
        var reports = await service.QueryAsync(database => database.Reports.AsNoTracking().Where(report => ids.Contains(report.Id)).ToListAsync(Cancelled));
        var merged = reports.FindAll(report => report.Status == ReportStatus.Duplicate);
        merged.Count.ShouldBe(answers.Count(answer => answer.Status == 200));
        merged.ShouldNotBeEmpty();
        merged.ShouldAllBe(report => reports.Single(original => original.Id == report.DuplicateOf).Status == ReportStatus.Submitted);
    }

    [Fact]
    public async Task Of_two_reports_merged_into_each_other_at_once_exactly_one_is()
    {
        using var staff = service.NewUser(Roles.Staff);
        for (var round = 0; round < 4; round++)
        {
            Guid[] pair = [(await service.FileAsync()).Id, (await service.FileAsync()).Id];
            var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(index =>
                staff.ChangeStatusAsync(pair[index % 2], new { status = "duplicate", duplicate_of = pair[1 - (index % 2)] })));

            answers.Count(answer => answer.Status == 200).ShouldBe(1);
            answers.ShouldAllBe(answer => answer.Status < 500);
        }
    }
}
