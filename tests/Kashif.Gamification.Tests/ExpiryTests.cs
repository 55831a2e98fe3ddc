using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kashif.Gamification.Tests;

/// <summary>Points expire, once.</summary>
[Collection(typeof(Expiring))]
public sealed class ExpiryTests(GamificationService service)
{
    private static readonly DateTimeOffset Past = new(2026, 2, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Future = new(2126, 2, 1, 10, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_left_of_due_points_expires_once_on_two_replicas()
    {
        Guid[] users = [.. Enumerable.Range(0, 130).Select(_ => Guid.CreateVersion7())];
        await service.BookAsync([.. users.Select(user => Earned(user, 5, Future)), .. users.Select(user => Earned(user, 10, Past)), .. users.Select(user => Earned(user, 1, Past.AddDays(1)))]);
        await service.BookAsync([.. users.Select(user => new Booking(user, -3, EntryKind.Spent, "redeemed", $"test:{Guid.CreateVersion7()}"))]);

        await Task.WhenAll(ExpireAsync(service.Host), ExpireAsync(service.Replica), ExpireAsync(service.Host));

        var entries = await service.QueryAsync(database => database.Transactions.Where(entry => users.Contains(entry.UserId)).ToListAsync());
        foreach (var user in users)
        {
            var own = entries.FindAll(entry => entry.UserId == user);
            var credits = own.Where(entry => entry.ExpiresAt < Future).OrderBy(entry => entry.ExpiresAt).ToArray();
            own.Where(entry => entry.Kind == EntryKind.Expired).OrderBy(entry => entry.Id).Select(entry => (entry.Points, entry.Reverses, entry.Cause, entry.Reason))
                .ShouldBe([(-7, credits[0].Id, $"expiry:{credits[0].Id}", "expired"), (-1, credits[1].Id, $"expiry:{credits[1].Id}", "expired")]);
        }

        (await service.QueryAsync(database => database.Balances.Where(balance => users.Contains(balance.UserId)).ToListAsync()))
            .ShouldAllBe(balance => balance.Points == 5 && balance.Expired == 8 && balance.Spent == 3);
        (await service.QueryAsync(database => database.Expiries.Where(row => users.Contains(row.UserId)).ToListAsync())).ShouldAllBe(row => row.ExpiresAt == Future);
        await service.Tap.WaitForAsync("points.expired", data =>
            data.GetProperty("user_id").GetGuid() == users[0] && data.GetProperty("points").GetInt32() == 8 && data.GetProperty("balance").GetInt64() == 5);
        await service.LedgerShouldBeWholeAsync();
    }

    [Fact]
    public async Task Points_refunded_after_their_time_expire_again()
    {
        using var coupons = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();
        var credit = (await service.BookAsync(Earned(user, 10, Past)))[0];
        (await coupons.DebitAsync(redemption, user, 4)).Status.ShouldBe(200);
        await ExpireAsync(service.Host);
        (await service.BalanceAsync(user)).ShouldBe(0);

        (await coupons.DebitAsync(redemption, user, 4, collection: "refunds")).Status.ShouldBe(200);
        (await service.BalanceAsync(user)).ShouldBe(4);
        await ExpireAsync(service.Replica);

        (await service.BalanceAsync(user)).ShouldBe(0);
        (await service.EntriesAsync(user)).FindAll(entry => entry.Kind == EntryKind.Expired).Select(entry => (entry.Points, entry.Cause))
            .ShouldBe([(-6, $"expiry:{credit.Id}"), (-4, $"expiry:{credit.Id}:2")]);
    }

    [Fact]
    public async Task Points_refunded_into_a_credit_that_was_spent_when_it_expired_expire()
    {
        using var coupons = service.Host.AsService();
        var user = Guid.CreateVersion7();
        var redemption = Guid.CreateVersion7();
        var credit = (await service.BookAsync(Earned(user, 10, Past)))[0];
        (await coupons.DebitAsync(redemption, user, 10)).Status.ShouldBe(200);
        await ExpireAsync(service.Host);

        (await coupons.DebitAsync(redemption, user, 10, collection: "refunds")).Status.ShouldBe(200);
        await ExpireAsync(service.Replica);

        (await service.EntriesAsync(user)).FindAll(entry => entry.Kind == EntryKind.Expired).ShouldHaveSingleItem()
            .ShouldSatisfyAllConditions(entry => entry.Points.ShouldBe(-10), entry => entry.Reverses.ShouldBe(credit.Id));
        (await service.BalanceAsync(user)).ShouldBe(0);
    }

    [Fact]
    public async Task A_debit_that_is_not_committed_yet_is_waited_for()
    {
        var user = Guid.CreateVersion7();
        await service.BookAsync(Earned(user, 10, Past));
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        var transaction = await database.Database.BeginTransactionAsync(Cancel);
        await scope.ServiceProvider.GetRequiredService<PointsLedger>().DebitAsync(user, 4, "7", $"test:{user}", Cancel);
        await database.SaveChangesAsync(Cancel);

        var expiring = ExpireAsync(service.Replica);
        await Eventually.TrueAsync(
            () => service.QueryAsync(other => other.Database.SqlQuery<bool>($"""
                SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT FROM balances%FOR UPDATE%') AS "Value"
                """).SingleAsync(Cancel)),
            "the expiry at the balance");
        await transaction.CommitAsync(Cancel);
        await expiring;

        (await service.EntriesAsync(user)).Select(entry => entry.Points).ShouldBe([10, -4, -6]);
    }

    [Fact]
    public async Task My_points_show_what_expires_next()
    {
        using var client = service.Citizen(out var user);
        await service.BookAsync(Earned(user, 10, Future), Earned(user, 4, Future.AddHours(13)), Earned(user, 3, Future.AddDays(-2).AddHours(1)), Earned(user, 2, Future.AddDays(-2)), Earned(user, 100, null));

        (await client.ReadAsync("/points/me")).Body.GetProperty("expiring").GetRawText().ShouldBe("""{"points":5,"at":"2126-01-30T10:00:00.000000Z"}""");
        await service.SpendAsync(user, 6);
        (await client.ReadAsync("/points/me")).Body.GetProperty("expiring").GetRawText().ShouldBe("""{"points":13,"at":"2126-02-01T10:00:00.000000Z"}""");
        await service.SpendAsync(user, 13);
        (await client.ReadAsync("/points/me")).Body.GetProperty("expiring").GetRawText().ShouldBe("null");
    }

    [Fact]
    public async Task Earned_points_have_the_default_validity_unless_their_rule_says_otherwise()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service, expiresAfter: TimeSpan.FromDays(365));
        var user = Guid.CreateVersion7();

        var entries = await ledger.BookAsync(
            Earned(user, 10, null), Earned(user, 10, Future), new Booking(user, -5, EntryKind.Spent, "redeemed", "a"), new Booking(user, -5, EntryKind.Reversed, "reversed", "b"));

        entries.Select(entry => entry.ExpiresAt?.Date).ShouldBe([entries[0].CreatedAt.AddDays(365).Date, Future.Date, null, null]);
    }

    internal static Task ExpireAsync(ServiceHost<Program> host) =>
        host.Services.GetServices<IHostedService>().OfType<ExpiryService>().Single().RunOnceAsync(Cancel);

    private static Booking Earned(Guid user, int points, DateTimeOffset? expiresAt) =>
        new(user, points, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = expiresAt };
}

/// <summary>The tests that expire points: an expiry takes the due points of all users, also of those whose test is still booking them.</summary>
[CollectionDefinition]
public sealed class Expiring;
