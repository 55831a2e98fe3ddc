using System.Text.Json;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Time.Testing;

namespace Kashif.Gamification.Tests;

/// <summary>Corrections by administrators, and what users see of them.</summary>
[Collection(typeof(Expiring))]
public sealed class AdjustmentTests(GamificationService service)
{
    private readonly Guid _admin = Guid.CreateVersion7();

    [Fact]
    public async Task An_adjustment_is_booked_once_explained_and_listed()
    {
        using var admin = service.Host.As(_admin, Roles.Admin);
        using var citizen = service.Citizen(out var user);
        var key = Guid.CreateVersion7().ToString();

        var (status, adjusted) = await admin.SendAsync("/adjustments", new { user_id = user, points = 30, reason = " Cleaned the beach. " }, key);
        (await admin.SendAsync("/adjustments", new { user_id = user, points = 30, reason = " Cleaned the beach. " }, key)).Body.GetRawText().ShouldBe(adjusted.GetRawText());

        status.ShouldBe(201, adjusted.ToString());
        (adjusted.GetProperty("action").GetString(), adjusted.GetProperty("points").GetInt32(), adjusted.GetProperty("balance_after").GetInt64()).ShouldBe(("adjusted", 30, 30));
        var (_, mine) = await citizen.ReadAsync("/points/explain");
        var entry = mine.GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        entry.GetProperty("id").GetGuid().ShouldBe(adjusted.GetProperty("id").GetGuid());
        (entry.GetProperty("kind").GetString(), entry.GetProperty("reason").GetString(), entry.GetProperty("note").GetString()).ShouldBe(("earned", "adjusted", "Cleaned the beach."));
        entry.TryGetProperty("actor", out _).ShouldBeFalse();
        (await citizen.ReadAsync("/transactions/me")).Body.GetProperty("items")[0].GetProperty("kind").GetString().ShouldBe("earned");
        var listed = (await ListAsync(admin)).Single(item => item.GetProperty("id").GetGuid() == entry.GetProperty("id").GetGuid());
        (listed.GetProperty("actor").GetGuid(), listed.GetProperty("reason").GetString(), listed.GetProperty("user_id").GetGuid()).ShouldBe((_admin, "Cleaned the beach.", user));
        await service.Tap.WaitForAsync("points.awarded", data => data.GetProperty("user_id").GetGuid() == user && data.GetProperty("reason").GetString() == "adjusted");
    }

    [Fact]
    public async Task What_cannot_be_taken_is_owed_paid_by_the_next_points_and_given_back_by_a_reversal()
    {
        using var admin = service.Host.As(_admin, Roles.Admin);
        using var citizen = service.Citizen(out var user);
        await service.EarnAsync(user, 1);

        var (_, taken) = await admin.SendAsync("/adjustments", new { user_id = user, points = -80, reason = "Spam." });
        (taken.GetProperty("points").GetInt32(), taken.GetProperty("owed").GetInt32()).ShouldBe((-50, 30));
        Sums((await citizen.ReadAsync("/points/me")).Body).ShouldBe((0, 50, 50, 30));

        await service.BookAsync(new Booking(user, 50, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}"));
        Sums((await citizen.ReadAsync("/points/me")).Body).ShouldBe((20, 100, 80, 0));

        var (status, reversal) = await admin.SendAsync($"/transactions/{taken.GetProperty("id").GetGuid()}/reverse", new { reason = "It was no spam." });
        status.ShouldBe(201, reversal.ToString());
        (reversal.GetProperty("action").GetString(), reversal.GetProperty("points").GetInt32()).ShouldBe(("reversed", 80));
        Sums((await citizen.ReadAsync("/points/me")).Body).ShouldBe((100, 100, 0, 0));
        (await service.EntriesAsync(user)).Select(entry => (entry.Points, entry.Owed, entry.Reason))
            .ShouldBe([(50, 0, "report_resolved"), (-50, 30, "adjusted"), (50, 0, "test"), (-30, -30, "owed"), (80, 0, "reversed")]);
        await service.LedgerShouldBeWholeAsync();

        static (long Points, long Earned, long Reversed, long Owed) Sums(JsonElement body) => (
            body.GetProperty("points").GetInt64(), body.GetProperty("earned").GetInt64(), body.GetProperty("reversed").GetInt64(), body.GetProperty("owed").GetInt64());
    }

    [Fact]
    public async Task Concurrent_reversals_take_the_points_of_an_award_once()
    {
        using var admin = service.Host.As(_admin, Roles.Admin);
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 2);
        var award = (await service.EntriesAsync(user))[0];

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => admin.SendAsync($"/transactions/{award.Id}/reverse", new { reason = "Reported twice." })));

        answers.Count(answer => answer.Status == 201).ShouldBe(1);
        answers.Where(answer => answer.Status != 201).Select(answer => (answer.Status, answer.Body.Code)).Distinct().ShouldBe([(409, "already_reversed")]);
        (await service.BalanceAsync(user)).ShouldBe(50);
        var reversal = (await service.EntriesAsync(user)).Single(entry => entry.Kind == EntryKind.Reversed);
        (reversal.Reverses, reversal.Rule, reversal.Reference, reversal.Note, reversal.Actor).ShouldBe((award.Id, award.Rule, award.Reference, "Reported twice.", _admin));
        (await service.QueryAsync(database => database.PeriodTotals.Where(total => total.UserId == user).Select(total => total.Points).ToListAsync())).ShouldBe([50, 50]);
        (await admin.SendAsync($"/transactions/{reversal.Id}/reverse", new { reason = "No." })).Body.Code.ShouldBe("not_reversible");
    }

    [Fact]
    public async Task Only_what_has_not_expired_of_an_award_is_reversed()
    {
        using var admin = service.Host.As(_admin, Roles.Admin);
        var user = Guid.CreateVersion7();
        var past = TimeProvider.System.GetUtcNow().AddDays(-1);
        var entries = await service.BookAsync(
            new Booking(user, 10, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = past },
            new Booking(user, -4, EntryKind.Spent, "redeemed", $"test:{Guid.CreateVersion7()}"),
            new Booking(user, 7, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { ExpiresAt = past });
        await ExpiryTests.ExpireAsync(service.Host);

        (await Reverse(entries[0])).Body.GetProperty("owed").GetInt32().ShouldBe(4);
        (await Reverse(entries[1])).Body.Code.ShouldBe("not_reversible");
        (await Reverse(entries[2])).Body.Code.ShouldBe("not_reversible");

        Task<(int Status, JsonElement Body)> Reverse(PointTransaction entry) => admin.SendAsync($"/transactions/{entry.Id}/reverse", new { reason = "Spam." });
    }

    [Fact]
    public async Task Unknown_transactions_and_deleted_accounts_return_404()
    {
        using var admin = service.Host.As(_admin, Roles.Admin);
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);
        var award = (await service.EntriesAsync(user))[0];
        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        foreach (var erased in new[] { user, Guid.Empty })
        {
            (await admin.SendAsync("/adjustments", new { user_id = erased, points = 1, reason = "x" })).Body.Code.ShouldBe("not_found");
        }

        foreach (var id in new[] { award.Id, Guid.CreateVersion7() })
        {
            (await admin.SendAsync($"/transactions/{id}/reverse", new { reason = "x" })).Body.Code.ShouldBe("not_found");
        }

        (await service.BalanceAsync(user)).ShouldBe(0);
    }

    [Theory]
    [InlineData(0, "x", "points")]
    [InlineData(1_000_001, "x", "points")]
    [InlineData(-1_000_001, "x", "points")]
    [InlineData(1, " ", "reason")]
    public async Task Invalid_adjustments_return_400(int points, string reason, string field)
    {
        using var admin = service.Host.As(_admin, Roles.Admin);

        var (status, problem) = await admin.SendAsync("/adjustments", new { user_id = Guid.CreateVersion7(), points, reason });

        status.ShouldBe(400);
        problem.BadFields.ShouldBe([field]);
    }

    [Fact]
    public async Task A_reason_of_characters_with_many_marks_fits()
    {
        using var admin = service.Host.As(_admin, Roles.Admin);
        var reason = string.Concat(Enumerable.Repeat("e\u0301\u0302\u0303", 500));

        (await admin.SendAsync("/adjustments", new { user_id = Guid.CreateVersion7(), points = 1, reason })).Status.ShouldBe(201);
    }

    [Fact]
    public async Task The_report_of_a_day_has_its_points_and_the_balances_at_its_end()
    {
        var day = new DateTimeOffset(2026, 3, 5, 23, 59, 59, TimeSpan.Zero); // no other test books in the past
        var user = Guid.CreateVersion7();
        await BookAtAsync(day, new Booking(user, 100, EntryKind.Earned, "test_report", "report:1") { Rule = "test_report" }, new Booking(user, 7, EntryKind.Earned, "adjusted", "report:2"));
        await BookAtAsync(day, new Booking(user, -30, EntryKind.Spent, "redeemed", "report:3"), new Booking(user, 10, EntryKind.Spent, "refunded", "report:4"), new Booking(user, -5, EntryKind.Expired, "expired", "report:5"));
        await BookAtAsync(day, new Booking(user, -100, EntryKind.Reversed, "reversed", "report:6") { Rule = "test_report" });
        await BookAtAsync(day.AddSeconds(1), new Booking(user, 18, EntryKind.Earned, "test_report", "report:7") { Rule = "test_report" });
        using var admin = service.Host.As(_admin, Roles.Admin);

        var (_, report) = await admin.ReadAsync("/reports/daily?date=2026-03-05");
        var (_, next) = await admin.ReadAsync("/reports/daily?date=2026-03-06");

        var digest = report.GetProperty("digest").GetString().ShouldNotBeNull();
        report.GetRawText().ShouldBe($$"""
            {"date":"2026-03-05","entries":6,"issued":107,"spent":30,"refunded":10,"expired":5,"reversed":82,"outstanding":0,"owed":18,"per_rule":[{"code":"adjusted","entries":1,"points":7,"reversed":0},{"code":"test_report","entries":1,"points":100,"reversed":82}],"digest":"{{digest}}"}
            """);
        (next.GetProperty("issued").GetInt64(), next.GetProperty("reversed").GetInt64(), next.GetProperty("outstanding").GetInt64(), next.GetProperty("owed").GetInt64()).ShouldBe((18, 18, 0, 0));
        digest.ShouldBe(await service.QueryAsync(database => database.Database.SqlQuery<string>($"""
            SELECT encode(sha256(string_agg(hash, '' ORDER BY id)), 'hex') AS "Value" FROM point_transactions WHERE created_at < '2026-03-06Z'
            """).SingleAsync()));
        (await admin.ReadAsync("/reports/daily?date=0001-01-01")).Body.GetProperty("outstanding").GetInt64().ShouldBe(0);
        (await admin.ReadAsync("/reports/daily?date=9999-12-31")).Body.BadFields.ShouldBe(["date"]);
        (await admin.ReadAsync("/reports/daily?date=nonsense")).Status.ShouldBe(400);
        (await admin.ReadAsync("/reports/daily")).Body.GetProperty("date").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task Points_of_deleted_accounts_are_not_outstanding()
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 2);
        using var admin = service.Host.As(_admin, Roles.Admin);

        await service.Tap.EraseAsync(user, ResourceNames.Gamification);

        // Other tests book meanwhile, so compare with the balances before and after.
        await Eventually.TrueAsync(
            async () =>
            {
                var before = await HeldAsync();
                var outstanding = (await admin.ReadAsync("/reports/daily")).Body.GetProperty("outstanding").GetInt64();
                return outstanding == before && outstanding == await HeldAsync();
            },
            "the balances without those of deleted accounts");
        (await service.BalanceAsync(ErasedUser.Id)).ShouldBeGreaterThanOrEqualTo(100);

        Task<long> HeldAsync() => service.QueryAsync(database => database.Balances.Where(balance => balance.UserId != ErasedUser.Id).SumAsync(balance => balance.Points));
    }

    private static async Task<List<JsonElement>> ListAsync(HttpClient admin)
    {
        var items = new List<JsonElement>();
        for (string? cursor = ""; cursor is not null;)
        {
            var (_, page) = await admin.ReadAsync($"/adjustments?limit=2{cursor}");
            items.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? $"&cursor={next}" : null;
        }

        return items;
    }

    private Task BookAtAsync(DateTimeOffset at, params Booking[] bookings) => LedgerDatabase.BookAsync(service, service.Host.Database, new FakeTimeProvider(at), bookings);
}
