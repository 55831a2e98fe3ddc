using Kashif.Gamification.Leaderboard;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Each report awards its points once, in any order of events and despite redelivery.</summary>
public sealed class AwardTests(GamificationService service)
{
    [Fact]
    public async Task Redelivered_and_reordered_events_award_once()
    {
        const int reports = 8;
        var user = Guid.CreateVersion7();
        var now = TimeProvider.System.GetUtcNow();
        var publications = new List<Func<Task>>();
        for (var report = 0; report < reports; report++)
        {
            var id = Guid.CreateVersion7();
            var (created, verified, resolved) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
            for (var copy = 0; copy < 5; copy++)
            {
                publications.Add(() => service.Tap.PublishAsync(Created(user, id), created, now));
                publications.Add(() => service.Tap.PublishAsync(Verified(user, id), verified, now));
                publications.Add(() => service.Tap.PublishAsync(Resolved(user, id), resolved, now));
            }
        }

        var order = publications.ToArray();
        new Random(4711).Shuffle(order);
        await Task.WhenAll(order.Select(publish => publish()));

        await service.WaitForBalanceAsync(user, reports * (10 + 5 + 50));
        await WaitForHandlingAsync();
        var entries = await EntriesAsync(user);
        entries.Count.ShouldBe(reports * 3);
        entries.Sum(entry => entry.Points).ShouldBe(reports * 65);
        entries.CountBy(entry => entry.Reason).Select(reason => (reason.Key, reason.Value)).Order()
            .ShouldBe([("report_created", reports), ("report_resolved", reports), ("report_verified", reports)]);
        await Eventually.TrueAsync(() => Told() >= reports * 3, "the events"); // two relays share the outbox: the last one may come before others
        Told().ShouldBe(reports * 3);

        int Told() => service.Tap.Envelopes("points.awarded").Count(envelope => IsOf(envelope.GetProperty("data"), user));
    }

    [Fact]
    public async Task Awards_of_one_batch_are_told_in_the_order_of_the_ledger()
    {
        const int reports = 10;
        var user = Guid.CreateVersion7();

        await service.EarnAsync(user, reports);

        await Eventually.TrueAsync(() => EventsOf(user).Length == reports, "the events");
        var events = EventsOf(user).OrderBy(envelope => envelope.GetProperty("time").GetDateTimeOffset()).ToArray();
        events.Select(envelope => envelope.GetProperty("data").GetProperty("balance").GetInt64()).ShouldBe(Enumerable.Range(1, reports).Select(count => count * 50L));
        events.Select(envelope => envelope.GetProperty("id").GetGuid()).ShouldBe(events.Select(envelope => envelope.GetProperty("id").GetGuid()).Order());
        (await EntriesAsync(user)).OrderBy(entry => entry.CreatedAt).Select(entry => (entry.Id, entry.CreatedAt))
            .ShouldBe(events.Select(envelope => (envelope.GetProperty("data").GetProperty("transaction_id").GetGuid(), envelope.GetProperty("time").GetDateTimeOffset())));
        using var client = service.Host.As(user);
        (await client.ReadAsync("/transactions/me")).Body.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("balance_after").GetInt64())
            .ShouldBe(Enumerable.Range(1, reports).Select(count => count * 50L).Reverse());

        System.Text.Json.JsonElement[] EventsOf(Guid owner) => [.. service.Tap.Envelopes("points.awarded").Where(envelope => IsOf(envelope.GetProperty("data"), owner))];
    }

    [Fact]
    public async Task A_status_reached_twice_awards_once()
    {
        var user = Guid.CreateVersion7();
        var report = Guid.CreateVersion7();

        for (var time = 0; time < 3; time++)
        {
            await service.Tap.PublishAsync(Verified(user, report));
        }

        await service.WaitForBalanceAsync(user, 5);
        await WaitForHandlingAsync();
        (await EntriesAsync(user)).ShouldHaveSingleItem().Reference.ShouldBe(report.ToString());
    }

    [Fact]
    public async Task A_status_that_the_reporter_changed_awards_nothing()
    {
        var user = Guid.CreateVersion7();
        var report = Guid.CreateVersion7();

        await service.Tap.PublishAsync(Verified(user, report) with { ChangedBy = user });
        await service.Tap.PublishAsync(Resolved(user, report) with { ChangedBy = user });
        await service.Tap.PublishAsync(Resolved(user, Guid.CreateVersion7()));

        await service.WaitForBalanceAsync(user, 50);
        await WaitForHandlingAsync();
        (await EntriesAsync(user)).ShouldHaveSingleItem().Points.ShouldBe(50);
    }

    [Fact]
    public async Task Statuses_without_a_rule_award_nothing()
    {
        var user = Guid.CreateVersion7();

        await service.Tap.PublishAsync(Status(user, Guid.CreateVersion7(), "submitted", "rejected"));
        await service.Tap.PublishAsync(Status(user, Guid.CreateVersion7(), "verified", "in_progress"));

        await WaitForHandlingAsync();
        (await EntriesAsync(user)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Concurrent_batches_on_two_replicas_stay_within_the_daily_limit()
    {
        var user = Guid.CreateVersion7();
        var day = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

        await Task.WhenAll(Enumerable.Range(0, 80).Select(index =>
            service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()), time: day.AddMinutes(index))));
        await service.WaitForBalanceAsync(user, 100);
        await WaitForHandlingAsync();
        (await EntriesAsync(user)).Count.ShouldBe(10);

        // The limit includes the last instant of the day, not the next one. Resolved reports have no limit.
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()), time: day.AddDays(1).AddMicroseconds(-1));
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()), time: day.AddDays(1));
        await service.Tap.PublishAsync(Resolved(user, Guid.CreateVersion7()), time: day);
        await service.WaitForBalanceAsync(user, 160);
        await WaitForHandlingAsync();
        (await service.BalanceAsync(user)).ShouldBe(160);
    }

    [Fact]
    public async Task Concurrent_awards_and_redemptions_keep_every_balance_equal_to_its_ledger()
    {
        const int awards = 40;
        Guid[] users = [.. Enumerable.Range(0, 8).Select(_ => Guid.CreateVersion7())];

        var random = new Random(1);
        var events = users.SelectMany(user => Enumerable.Repeat(user, awards)).ToArray();
        random.Shuffle(events);
        var publishing = Task.WhenAll(events.Select((user, index) => index % 2 == 0
            ? service.Tap.PublishAsync(Resolved(user, Guid.CreateVersion7()))
            : service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()), time: new DateTimeOffset(2026, 1, 1 + (index % 28), 0, 0, 0, TimeSpan.Zero))));
        var spending = Task.WhenAll(users.Select(SpendAsync));
        await publishing;
        await spending;

        await Eventually.TrueAsync(
            async () => await service.QueryAsync(database => database.Transactions.CountAsync(entry => users.Contains(entry.UserId) && entry.Points > 0)) == users.Length * awards,
            "every award");
        var entries = await service.QueryAsync(database => database.Transactions.Where(entry => users.Contains(entry.UserId)).ToListAsync());
        var balances = await service.QueryAsync(database => database.Balances.Where(balance => users.Contains(balance.UserId)).ToListAsync());
        balances.Count.ShouldBe(users.Length);
        (await service.QueryAsync(database => database.PeriodTotals.Where(total => users.Contains(total.UserId)).ToListAsync()))
            .Select(total => (total.UserId, total.Period, total.StartsOn, total.Points)).ShouldBe(
                from entry in entries
                where entry.Points > 0
                from period in Periods.Calendar
                group (long)entry.Points by (entry.UserId, Period: period, StartsOn: period.StartOf(entry.CreatedAt)) into total
                select (total.Key.UserId, total.Key.Period, total.Key.StartsOn, total.Sum()), ignoreOrder: true);
        entries.ShouldContain(entry => entry.Points < 0);
        foreach (var balance in balances)
        {
            var own = entries.FindAll(entry => entry.UserId == balance.UserId);
            balance.Points.ShouldBe(own.Sum(entry => (long)entry.Points));
            balance.Earned.ShouldBe(own.Where(entry => entry.Points > 0).Sum(entry => (long)entry.Points));
            balance.Spent.ShouldBe(-own.Where(entry => entry.Points < 0).Sum(entry => (long)entry.Points));

            // In order of time, each entry starts at the balance of the one before. The ids, which lists and events sort by, have the same order.
            own.Sort((left, right) => left.CreatedAt.CompareTo(right.CreatedAt));
            own.Select(entry => entry.CreatedAt).ShouldBeUnique();
            own.Select(entry => entry.BalanceAfter - entry.Points).ShouldBe([0, .. own.SkipLast(1).Select(entry => entry.BalanceAfter)]);
            own.Select(entry => entry.Id).ShouldBe(own.Select(entry => entry.Id).Order());
        }

        async Task SpendAsync(Guid user)
        {
            for (var spent = 0; spent < 10;)
            {
                var (status, body) = await service.SpendAsync(user, 30 + (spent * 7));
                status.ShouldBeOneOf(200, 422);
                spent += status == 200 ? 1 : 0;
                if (status == 422)
                {
                    body.Code.ShouldBe("insufficient_points");
                }
            }
        }
    }

    private static bool IsOf(System.Text.Json.JsonElement data, Guid user) => data.GetProperty("user_id").GetGuid() == user;

    private Task<List<Ledger.PointTransaction>> EntriesAsync(Guid user) =>
        service.QueryAsync(database => database.Transactions.Where(entry => entry.UserId == user).ToListAsync());

    /// <summary>Waits until all earlier events are handled: each worker of each replica handles messages in order.</summary>
    private async Task WaitForHandlingAsync()
    {
        for (var sentinel = 0; sentinel < 8; sentinel++)
        {
            await service.EarnAsync(Guid.CreateVersion7(), 1);
        }
    }
}
