using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Spam does not pay: reports that are rejected or withdrawn lose their points.</summary>
public sealed class SpamTests(GamificationService service)
{
    private readonly Guid _user = Guid.CreateVersion7();

    [Theory]
    [InlineData("rejected", "report_rejected")]
    [InlineData("withdrawn", "report_withdrawn")]
    public async Task A_report_that_is_rejected_or_withdrawn_loses_its_points(string status, string reason)
    {
        var report = Guid.CreateVersion7();
        using var counted = new MeasuredCounter("points_reversed", reason);
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);

        await service.Tap.PublishAsync(Status(_user, report, "submitted", status) with { ChangedBy = status == "withdrawn" ? _user : Guid.CreateVersion7() });
        await service.WaitForBalanceAsync(_user, 0);

        var entries = await EntriesAsync();
        entries.Count.ShouldBe(2);
        var (award, reversal) = (entries[0], entries[1]);
        (reversal.Kind, reversal.Points, reversal.Owed, reversal.Reason, reversal.Cause).ShouldBe((EntryKind.Reversed, -10, 0, reason, $"reversal:{award.Id}"));
        (reversal.Reverses, reversal.Rule, reversal.RuleVersion, reversal.Category, reversal.Reference, reversal.LimitDay)
            .ShouldBe((award.Id, "report_created", award.RuleVersion, "pothole", report.ToString(), award.LimitDay));
        var balance = await service.QueryAsync(database => database.Balances.SingleAsync(row => row.UserId == _user));
        (balance.Earned, balance.Reversed, balance.Kept).ShouldBe((10, 10, 0));
        var told = (await service.Tap.WaitForAsync("points.reversed", data => data.GetProperty("user_id").GetGuid() == _user)).GetProperty("data");
        (told.GetProperty("points").GetInt32(), told.GetProperty("balance").GetInt64(), told.GetProperty("reason").GetString()).ShouldBe((-10, 0, reason));
        counted.Sum.ShouldBeGreaterThanOrEqualTo(10); // other tests count too
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_verified_report_that_is_rejected_loses_all_its_points(bool isInOrder)
    {
        var report = Guid.CreateVersion7();
        ReportStatusUpdated[] statuses =
        [
            Verified(_user, report), Status(_user, report, "verified", "resolved") with { Version = 3 }, Status(_user, report, "resolved", "rejected") with { Version = 4 },
        ];
        await service.Tap.PublishAsync(Created(_user, report));
        foreach (var status in isInOrder ? statuses : statuses.AsEnumerable().Reverse())
        {
            await service.Tap.PublishAsync(status);
        }

        await HandledAsync(report, 4);
        await service.WaitForBalanceAsync(_user, 0);
        (await EntriesAsync()).Where(entry => entry.Kind == EntryKind.Reversed).ShouldAllBe(entry => entry.Reason == "report_rejected");
    }

    [Fact]
    public async Task What_is_spent_is_owed_and_paid_by_the_next_points()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        (await service.SpendAsync(_user, 8)).Status.ShouldBe(200);

        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"));
        await service.WaitForBalanceAsync(_user, 0);
        await service.Tap.PublishAsync(Resolved(_user, Guid.CreateVersion7()));
        await service.WaitForBalanceAsync(_user, 42);

        (await EntriesAsync()).Select(entry => (entry.Reason, entry.Points, entry.Owed))
            .ShouldBe([("report_created", 10, 0), ("redeemed", -8, 0), ("report_rejected", -2, 8), ("report_resolved", 50, 0), ("owed", -8, -8)]);
    }

    [Fact]
    public async Task A_rejection_that_arrives_before_the_report_leaves_nothing_to_award()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"));
        await HandledAsync(report, 1);

        await service.Tap.PublishAsync(Created(_user, report));
        await HandledAsync(report, 2);

        (await EntriesAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_report_that_is_taken_back_into_work_earns_its_points_again()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"));
        await service.WaitForBalanceAsync(_user, 0);

        await service.Tap.PublishAsync(Status(_user, report, "rejected", "submitted") with { Version = 3 });
        await service.WaitForBalanceAsync(_user, 10);
        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected") with { Version = 4 });
        await service.WaitForBalanceAsync(_user, 0);

        (await EntriesAsync()).Where(entry => entry.Kind == EntryKind.Earned).Select(entry => entry.Cause).ShouldBe([$"report_created:{report}", $"report_created:{report}:2"]);
        (await EntriesAsync()).Count.ShouldBe(4);
    }

    [Fact]
    public async Task Duplicates_keep_their_points()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.Tap.PublishAsync(Status(_user, report, "submitted", "duplicate"));
        await HandledAsync(report, 2);

        (await EntriesAsync()).ShouldHaveSingleItem().Points.ShouldBe(10);
    }

    [Fact]
    public async Task An_award_of_the_version_before_is_taken_back_though_its_event_was_not_kept()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        await service.QueryAsync(database => database.ReportEvents.Where(entry => entry.ReportId == report).ExecuteDeleteAsync());

        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"));
        await service.WaitForBalanceAsync(_user, 0);
        await service.Tap.PublishAsync(Status(_user, report, "rejected", "submitted") with { Version = 3 });
        await service.WaitForBalanceAsync(_user, 10);
    }

    [Fact]
    public async Task An_award_that_an_administrator_reversed_does_not_come_back()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        var award = (await EntriesAsync()).ShouldHaveSingleItem();
        await BookAsync(new Booking(_user, -10, EntryKind.Reversed, "reversal", $"reversal:{award.Id}") { Reverses = award.Id, Actor = Guid.CreateVersion7() });

        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"));
        await service.Tap.PublishAsync(Status(_user, report, "rejected", "submitted") with { Version = 3 });
        await HandledAsync(report, 3);

        (await EntriesAsync()).Select(entry => entry.Points).ShouldBe([10, -10]);
    }

    [Fact]
    public async Task What_has_expired_of_an_award_is_not_taken_back_again()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        var award = (await EntriesAsync()).ShouldHaveSingleItem();
        await BookAsync(new Booking(_user, -4, EntryKind.Expired, "expired", $"expired:{award.Id}") { Reverses = award.Id });

        await service.Tap.PublishAsync(Verified(_user, report) with { ChangedBy = _user });
        await HandledAsync(report, 2);
        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected") with { Version = 3 });
        await HandledAsync(report, 3);

        (await EntriesAsync()).Select(entry => (entry.Kind, entry.Points, entry.Owed))
            .ShouldBe([(EntryKind.Earned, 10, 0), (EntryKind.Expired, -4, 0), (EntryKind.Reversed, -6, 0)]);
    }

    [Fact]
    public async Task What_has_expired_of_an_award_is_not_awarded_again()
    {
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        await ExpireAsync(4);

        await RejectAndReopenAsync(version: 2);
        await service.WaitForBalanceAsync(_user, 6);
        await ExpireAsync(1);
        await RejectAndReopenAsync(version: 4);
        await service.WaitForBalanceAsync(_user, 5);

        (await EntriesAsync()).Select(entry => (entry.Kind, entry.Points)).ShouldBe(
            [
                (EntryKind.Earned, 10), (EntryKind.Expired, -4), (EntryKind.Reversed, -6),
                (EntryKind.Earned, 6), (EntryKind.Expired, -1), (EntryKind.Reversed, -5),
                (EntryKind.Earned, 5),
            ]);

        async Task ExpireAsync(int points)
        {
            var award = (await EntriesAsync()).Last(entry => entry.Kind == EntryKind.Earned);
            await BookAsync(new Booking(_user, -points, EntryKind.Expired, "expired", $"expired:{award.Id}") { Reverses = award.Id });
        }

        async Task RejectAndReopenAsync(int version)
        {
            await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected") with { Version = version });
            await service.WaitForBalanceAsync(_user, 0);
            await service.Tap.PublishAsync(Status(_user, report, "rejected", "submitted") with { Version = version + 1 });
        }
    }

    [Fact]
    public async Task Reports_and_rejections_in_any_order_on_two_replicas_end_the_same()
    {
        var time = new DateTimeOffset(2026, 4, 1, 0, 0, 0, TimeSpan.Zero);
        var reports = Enumerable.Range(0, 24).Select(_ => Guid.CreateVersion7()).ToArray();
        var rejected = reports[..20];
        var events = new List<Func<Task>>();
        for (var copy = 0; copy < 3; copy++)
        {
            events.AddRange(reports.Select((report, index) => (Func<Task>)(() => service.Tap.PublishAsync(Created(_user, report), id: report, time: time.AddMinutes(index)))));
            events.AddRange(rejected.Select(report => (Func<Task>)(() => service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"), id: Of(report), time: time.AddHours(1)))));
        }

        var order = events.ToArray();
        new Random(5).Shuffle(order);
        await Task.WhenAll(order.Select(publish => publish()));

        await Eventually.TrueAsync(
            async () => await service.QueryAsync(database => database.ReportEvents.CountAsync(entry => entry.UserId == _user)) == reports.Length + rejected.Length, "all events");
        await service.WaitForBalanceAsync(_user, 40);
        var entries = await EntriesAsync();
        entries.Where(entry => entry.Reference is { } reference && rejected.Contains(Guid.Parse(reference))).Sum(entry => entry.Points - entry.Owed).ShouldBe(0);
        entries.Where(entry => entry.Kind == EntryKind.Reversed).Select(entry => entry.Reverses).ShouldBeUnique();

        static Guid Of(Guid report) => new([.. report.ToByteArray().Reverse()]);
    }

    [Fact]
    public async Task Awards_and_reversals_read_by_index()
    {
        var report = Guid.CreateVersion7();
        using var ofReport = PersonQueries.Record(report);
        using var ofUser = PersonQueries.Record(_user);
        await service.Tap.PublishAsync(Created(_user, report));
        await service.WaitForBalanceAsync(_user, 10);
        await service.Tap.PublishAsync(Status(_user, report, "submitted", "rejected"));
        await service.WaitForBalanceAsync(_user, 0);

        // Each of the few achievements is tried.
        string[] few = ["achievements: WITH touched"];
        (await ofReport.ScansAsync(service.Host.Database)).Concat(await ofUser.ScansAsync(service.Host.Database))
            .Where(scan => !few.Any(name => scan.Contains(name, StringComparison.Ordinal)))
            .ShouldBeEmpty();
    }

    private async Task BookAsync(Booking booking)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var scope = service.Host.Services.CreateAsyncScope();
        var ledger = scope.ServiceProvider.GetRequiredService<PointsLedger>();
        await using var transaction = await scope.ServiceProvider.GetRequiredService<GamificationDbContext>().Database.BeginTransactionAsync(cancel);
        await ledger.BookAsync(await ledger.NewAsync([booking], cancel), cancel);
        await transaction.CommitAsync(cancel);
        await ledger.CommittedAsync(cancel);
    }

    private Task<List<PointTransaction>> EntriesAsync() =>
        service.QueryAsync(database => database.Transactions.Where(entry => entry.UserId == _user).OrderBy(entry => entry.Id).ToListAsync());

    /// <summary>The events of a report are kept in the transaction that awards them.</summary>
    private Task HandledAsync(Guid report, int events) => Eventually.TrueAsync(
        async () => await service.QueryAsync(database => database.ReportEvents.CountAsync(entry => entry.ReportId == report)) == events, $"{events} events");
}
