using System.Collections.Concurrent;
using System.Text.Json;
using FsCheck.Fluent;
using Kashif.Gamification.Ledger;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Tests;

/// <summary>Invariant 1 of the contract under everything at once.</summary>
[Collection(typeof(Expiring))]
public sealed class LedgerRaceTests(GamificationService service)
{
    private const int Workers = 8;
    private const int StepsEach = 40;

    private readonly Guid[] _users = [.. Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7())];

    /// <summary>What each user has got: awards, refunds and adjustments, less debits and what was reversed.</summary>
    private readonly ConcurrentDictionary<Guid, long> _model = [];
    private readonly ConcurrentBag<Guid> _awards = [];

    [Fact]
    public async Task Any_mix_of_bookings_from_eight_workers_leaves_ledger_balances_chains_and_model_equal()
    {
        var steps =
            from act in Gen.Elements(Enum.GetValues<Act>())
            from user in Gen.Elements(_users)
            from points in Gen.Choose(1, 60)
            from days in Gen.Elements(-2, -1, 1, 0)
            select new Step(act, user, points, days);
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var coupons = service.Host.AsService();
        using var otherCoupons = service.Replica.AsService();

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var debits = new Stack<(Guid Redemption, Guid User, int Points)>();
            foreach (var step in steps.Sample(StepsEach))
            {
                await TakeAsync(step, worker % 2 == 0 ? coupons : otherCoupons, admin, debits);
            }
        }));
        await Task.WhenAll(ExpiryTests.ExpireAsync(service.Host), ExpiryTests.ExpireAsync(service.Replica));

        var balances = await service.QueryAsync(database => database.Balances.Where(balance => _users.Contains(balance.UserId)).ToListAsync());
        balances.Select(balance => balance.UserId).ShouldBe(_model.Keys, ignoreOrder: true);
        foreach (var balance in balances)
        {
            var entries = await service.EntriesAsync(balance.UserId);
            balance.Points.ShouldBe(entries.Sum(entry => (long)entry.Points));
            balance.Points.ShouldBeGreaterThanOrEqualTo(0);
            balance.Owed.ShouldBe(entries.Sum(entry => (long)entry.Owed));
            (balance.Points == 0 || balance.Owed == 0).ShouldBeTrue("a debt is paid first");
            (balance.Points - balance.Owed).ShouldBe(_model[balance.UserId] - balance.Expired);
            LotsShouldExpireAsTheyWere(entries).Points.ShouldBe(balance.Points);
        }

        await service.LedgerShouldBeWholeAsync();
    }

    [Fact]
    public async Task Debits_beside_an_expiry_leave_no_credit_spent_and_expired()
    {
        Guid[] users = [.. Enumerable.Range(0, 120).Select(_ => Guid.CreateVersion7())];
        var past = TimeProvider.System.GetUtcNow().AddDays(-1);
        await service.BookAsync([.. users.SelectMany(user => new[] { Credit(user, past), Credit(user, null) })]);
        using var coupons = service.Host.AsService();
        using var otherCoupons = service.Replica.AsService();

        await Task.WhenAll(
            [
                ExpiryTests.ExpireAsync(service.Host), ExpiryTests.ExpireAsync(service.Replica),
                .. users.Select(user => coupons.DebitAsync(Guid.CreateVersion7(), user, 6)),
                .. users.Select(user => otherCoupons.DebitAsync(Guid.CreateVersion7(), user, 3)),
            ]);

        foreach (var user in users)
        {
            LotsShouldExpireAsTheyWere(await service.EntriesAsync(user));
        }

        static Booking Credit(Guid user, DateTimeOffset? expiresAt) =>
            new(user, 10, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = expiresAt };
    }

    private async Task TakeAsync(Step step, HttpClient coupons, HttpClient admin, Stack<(Guid Redemption, Guid User, int Points)> debits)
    {
        switch (step.Act)
        {
            case Act.Award:
                DateTimeOffset? expires = step.Days == 0 ? null : TimeProvider.System.GetUtcNow().AddDays(step.Days);
                var award = (await service.BookAsync(new Booking(step.User, step.Points, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = expires }))[0];
                _awards.Add(award.Id);
                Count(step.User, step.Points);
                break;
            case Act.Debit:
                var redemption = Guid.CreateVersion7();
                if ((await coupons.DebitAsync(redemption, step.User, step.Points)).Status == 200)
                {
                    debits.Push((redemption, step.User, step.Points));
                    Count(step.User, -step.Points);
                }

                break;
            case Act.Refund when debits.TryPop(out var debit):
                await Task.WhenAll(
                    coupons.DebitAsync(debit.Redemption, debit.User, debit.Points, collection: "refunds"),
                    coupons.DebitAsync(debit.Redemption, debit.User, debit.Points, collection: "refunds"));
                Count(debit.User, debit.Points);
                break;
            case Act.Adjust:
                var points = step.Days < 0 ? -step.Points : step.Points;
                var (_, adjusted) = await admin.SendAsync("/adjustments", new { user_id = step.User, points, reason = "Race." });
                _awards.Add(adjusted.GetProperty("id").GetGuid());
                Count(step.User, points);
                break;
            case Act.Reverse when _awards.TryPeek(out var latest):
                var (status, reversal) = await admin.SendAsync($"/transactions/{latest}/reverse", new { reason = "Race." });
                if (status == 201)
                {
                    Count(reversal.GetProperty("user_id").GetGuid(), Requested(reversal));
                }

                break;
            case Act.Expire:
                await ExpiryTests.ExpireAsync(step.Days < 0 ? service.Host : service.Replica);
                break;
        }
    }

    /// <summary>Each expiry has taken what was left of its credit, no more and no less, and nothing is left to expire.</summary>
    private static ExpiringLots LotsShouldExpireAsTheyWere(IEnumerable<PointTransaction> entries)
    {
        var lots = new ExpiringLots();
        foreach (var entry in entries)
        {
            if (entry.Kind == EntryKind.Expired)
            {
                lots.DueAt(entry.CreatedAt).ShouldContain(due => due.Credit == entry.Reverses && due.Points == -entry.Points);
            }

            lots.Add(new LedgerMove(entry.UserId, entry.Id, entry.Kind, entry.Points, entry.ExpiresAt, entry.Reverses));
        }

        lots.DueAt(TimeProvider.System.GetUtcNow()).ShouldBeEmpty();
        return lots;
    }

    private static int Requested(JsonElement reversal) => reversal.GetProperty("points").GetInt32() - reversal.GetProperty("owed").GetInt32();

    private void Count(Guid user, int points) => _model.AddOrUpdate(user, points, (_, before) => before + points);

    private enum Act
    {
        Award,
        Debit,
        Refund,
        Adjust,
        Reverse,
        Expire,
    }

    private sealed record Step(Act Act, Guid User, int Points, int Days);
}
