using Kashif.Gamification.Ledger;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Points follow what happens to a report after it was filed: it is hidden, deleted, recategorized, taken back or merged.</summary>
public sealed class ReportLifecycleTests(GamificationService service)
{
    private readonly Guid _user = Guid.CreateVersion7();
    private readonly Guid _report = Guid.CreateVersion7();

    [Fact]
    public async Task A_hidden_report_loses_its_points_and_gets_them_back_once()
    {
        await service.Tap.PublishAsync(Created(_user, _report));
        await service.WaitForBalanceAsync(_user, 10);

        await service.Tap.PublishAsync(Updated(2, hidden: true));
        await service.WaitForBalanceAsync(_user, 0);
        await service.Tap.PublishAsync(Updated(3, hidden: false));
        await service.WaitForBalanceAsync(_user, 10);
        await service.Tap.PublishAsync(Updated(4, hidden: false));
        await service.Tap.PublishAsync(new ReportDeleted(_report, _user, Guid.CreateVersion7(), null, 5));
        await service.WaitForBalanceAsync(_user, 0);

        (await ReasonsAsync(_user)).ShouldBe([("report_created", 10), ("report_hidden", -10), ("report_created", 10), ("report_deleted", -10)]);
    }

    [Fact]
    public async Task A_deletion_that_arrives_before_the_report_leaves_nothing_to_award()
    {
        var other = Guid.CreateVersion7();
        await service.Tap.PublishAsync(new ReportDeleted(_report, _user, _user, null, 2));
        await service.Tap.PublishAsync(Created(_user, other));
        await service.WaitForBalanceAsync(_user, 10);
        await Eventually.TrueAsync(() => service.QueryAsync(database => database.ReportEvents.AnyAsync(row => row.ReportId == _report)), "the deletion"); // another worker may have it

        await service.Tap.PublishAsync(Created(_user, _report));
        await service.Tap.PublishAsync(Verified(_user, other));
        await service.WaitForBalanceAsync(_user, 15);

        (await ReasonsAsync(_user)).ShouldBe([("report_created", 10), ("report_verified", 5)]);
    }

    [Fact]
    public async Task A_status_that_is_taken_back_loses_its_points_and_earns_them_again()
    {
        await service.Tap.PublishAsync(Verified(_user, _report));
        await service.WaitForBalanceAsync(_user, 5);

        await service.Tap.PublishAsync(Status(_user, _report, "verified", "submitted") with { Version = 3 });
        await service.WaitForBalanceAsync(_user, 0);
        await service.Tap.PublishAsync(Status(_user, _report, "submitted", "verified") with { Version = 4 });
        await service.WaitForBalanceAsync(_user, 5);

        (await ReasonsAsync(_user)).ShouldBe([("report_verified", 5), ("status_taken_back", -5), ("report_verified", 5)]);
    }

    [Fact]
    public async Task A_corrected_category_moves_the_points()
    {
        await service.Tap.PublishAsync(Created(_user, _report));
        await service.WaitForBalanceAsync(_user, 10);
        await service.Tap.PublishAsync(Updated(2, category: "sidewalk"));
        await Eventually.TrueAsync(async () => (await service.EntriesAsync(_user)).Count == 3, "three entries");

        (await service.EntriesAsync(_user)).ConvertAll(entry => (entry.Reason, entry.Points, entry.Category))
            .ShouldBe([("report_created", 10, "pothole"), ("report_recategorized", -10, "pothole"), ("report_created", 10, "sidewalk")]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reporters_of_duplicates_share_what_the_original_earns_once(bool isMergedFirst)
    {
        var (owner, original, second) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        ReportMerged[] merges = [new(_report, original, _user, owner, 2), new(second, original, _user, owner, 2), new(Guid.CreateVersion7(), original, owner, owner, 2)];
        ReportStatusUpdated[] statuses =
            [Verified(owner, original), Status(owner, original, "verified", "in_progress") with { Version = 3 }, Resolved(owner, original) with { Version = 4 }];
        foreach (var isMerge in new[] { isMergedFirst, !isMergedFirst })
        {
            await Task.WhenAll(isMerge ? merges.Select(merge => service.Tap.PublishAsync(merge)) : statuses.Select(status => service.Tap.PublishAsync(status)));
        }

        await service.WaitForBalanceAsync(_user, 55);
        await service.WaitForBalanceAsync(owner, 55);
        await service.Tap.PublishAsync(Status(_user, _report, "duplicate", "submitted") with { Version = 3 });
        await service.Tap.PublishAsync(Status(_user, second, "duplicate", "submitted") with { Version = 3 });
        await service.WaitForBalanceAsync(_user, 0);

        (await service.BalanceAsync(owner)).ShouldBe(55);
    }

    private ReportUpdated Updated(int version, bool hidden = false, string category = "pothole") => new(
        _report, _user, "A deep hole", category, category == "pothole" ? null : "pothole", 24.7, 46.7, false, hidden, false, ["hidden"], Guid.CreateVersion7(), version);

    private async Task<List<(string Reason, int Points)>> ReasonsAsync(Guid user) =>
        (await service.EntriesAsync(user)).ConvertAll((PointTransaction entry) => (entry.Reason, entry.Points));
}
