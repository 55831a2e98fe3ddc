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
