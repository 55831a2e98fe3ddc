using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Gamification.Data;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>The leaderboards of areas and categories, and the place of a user.</summary>
public sealed class BoardTests(GamificationService service)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Also after awards and reversals at the same time, some of which are owed.</summary>
    [Fact]
    public async Task All_leaderboards_are_computed_from_the_ledger_alone()
    {
        var users = Enumerable.Range(0, 12).Select(_ => Guid.CreateVersion7()).ToArray();
        string?[] areas = [null, "north", "south"], categories = [null, "pothole", "noise"];
        await Task.WhenAll(Enumerable.Range(0, 24).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            for (var round = 0; round < 4; round++)
            {
                await BookAsync([.. Enumerable.Range(0, 8).Select(_ =>
                {
                    var isReversal = random.Next(3) == 0;
                    var points = random.Next(1, 60);
                    return new Booking(
                        random.GetItems(users, 1)[0], isReversal ? -points : points, isReversal ? EntryKind.Reversed : EntryKind.Earned, "test", $"storm:{Guid.CreateVersion7()}")
                    {
                        Rule = random.Next(4) == 0 ? null : "test",
                        Area = random.GetItems(areas, 1)[0],
                        Category = random.GetItems(categories, 1)[0],
                    };
                })]);
            }
        }, Cancel)));

        var entries = await service.QueryAsync(database => database.Transactions.AsNoTracking().Where(entry => users.Contains(entry.UserId)).ToListAsync(Cancel));
        entries.ShouldContain(entry => entry.Owed > 0);
        (await TotalsAsync(users)).ShouldBe(Rebuilt(entries), ignoreOrder: true);
        (await service.QueryAsync(database => database.Balances.Where(balance => users.Contains(balance.UserId)).ToDictionaryAsync(balance => balance.UserId, balance => balance.Points, Cancel)))
            .ShouldBe(entries.GroupBy(entry => entry.UserId).ToDictionary(user => user.Key, user => (long)user.Sum(entry => entry.Points)), ignoreOrder: true);

        // The clean-up changes nothing, and then corrects a changed total.
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"DELETE FROM scoped_totals WHERE user_id = {users[0]} AND area = 'north'", Cancel));
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE scoped_totals SET points = 7 WHERE user_id = {users[1]}", Cancel));
        using var cleanup = ActivatorUtilities.CreateInstance<PeriodCleanup>(service.Host.Services); // one that has not looked at all time today
        await cleanup.RunOnceAsync(Cancel);
        (await TotalsAsync(users)).ShouldBe(Rebuilt(entries), ignoreOrder: true);
    }

    [Theory]
    [InlineData("all")]
    [InlineData("week")]
    public async Task An_area_and_a_category_have_leaderboards_of_their_own(string period)
    {
        var (area, category) = (Code(), Code());
        var (both, areaOnly, debtor) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await BookAsync([Award(both, 30, area, category), Award(both, 5, null, category), Award(areaOnly, 40, area, "other"), Award(debtor, 10, area, category)]);
        await BookAsync([new Booking(debtor, -20, EntryKind.Reversed, "test", $"test:{Guid.CreateVersion7()}") { Rule = "test", Area = area, Category = category }]);

        (await BoardAsync($"period={period}&area={area}")).ShouldBe([(1, areaOnly, 40), (2, both, 30)]);
        (await BoardAsync($"period={period}&category={category}")).ShouldBe([(1, both, 35)]);
        (await BoardAsync($"period={period}&area={area}&category={category}")).ShouldBe([(1, both, 30)]);
        (await BoardAsync($"period={period}&area={Code()}")).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_leaderboards_that_are_kept_are_few_whatever_clients_ask_for()
    {
        using var anonymous = service.Host.Anonymous();
        await Parallel.ForEachAsync(Enumerable.Range(0, 3 * LeaderboardSnapshots.MostScoped), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (_, _) =>
            (await anonymous.ReadAsync($"/leaderboard?category={Code()}")).Status.ShouldBe(200));

        service.Host.Services.GetRequiredService<LeaderboardSnapshots>().ScopedCount.ShouldBeLessThanOrEqualTo(LeaderboardSnapshots.MostScoped);
    }

    [Theory]
    [InlineData("all")]
    [InlineData("month")]
    public async Task My_place_has_the_ranks_of_the_list(string period)
    {
        var category = Code();
        Guid[] users = [.. Enumerable.Range(0, 9).Select(_ => Guid.CreateVersion7()).Order()];
        int[] points = [50, 40, 40, 40, 30, 20, 20, 10, 10];
        await BookAsync([.. users.Zip(points, (user, earned) => Award(user, earned, null, category))]);
        var list = await BoardAsync($"period={period}&category={category}");
        list.Select(item => item.Rank).ShouldBe([1, 2, 2, 2, 5, 6, 6, 8, 8]);

        for (var place = 0; place < users.Length; place++)
        {
            using var client = service.Host.As(users[place]);
            var (status, mine) = await client.ReadAsync($"/leaderboard/me?period={period}&category={category}&neighbours=2");
            status.ShouldBe(200);
            mine.GetProperty("rank").GetInt64().ShouldBe(list[place].Rank);
            Rows(mine).ShouldBe(list[Math.Max(0, place - 2)..Math.Min(list.Count, place + 3)]);
        }
    }

    /// <summary>In Redis and in the database.</summary>
    [Fact]
    public async Task My_place_among_all_balances_is_the_same_in_Redis_and_in_the_database()
    {
        var user = Guid.CreateVersion7();
        await BookAsync([.. Enumerable.Range(0, 5).Select(_ => Award(Guid.CreateVersion7(), 123, null, null)), Award(user, 123, null, null)]);
        var ranking = service.Host.Services.GetRequiredService<RankingCache>();

        await Eventually.TrueAsync(async () =>
        {
            var fromDatabase = await service.QueryAsync(database => new Board(Period.All).AroundAsync(database, TimeProvider.System.GetUtcNow(), user, 4, Cancel));
            return await ranking.AroundAsync(user, 4, Cancel) is { } cached
                && (cached.First, cached.Ahead) == (fromDatabase.First, fromDatabase.Ahead) && cached.Standings.SequenceEqual(fromDatabase.Standings);
        }, "the same place");
    }

    [Fact]
    public async Task The_leaderboard_shows_names()
    {
        var category = Code();
        using var client = service.Citizen(out var user);
        var name = $"Name {string.Concat(category.Select(letter => char.IsAsciiDigit(letter) ? (char)('g' + letter - '0') : letter))}"[..20];
        using var named = await client.PutAsJsonAsync($"{Area}/profiles/me", new { display_name = name, @public = false, on_leaderboard = true }, Cancel);
        named.EnsureSuccessStatusCode();
        await BookAsync([Award(user, 10, null, category), Award(Guid.CreateVersion7(), 5, null, category)]);

        var (_, board) = await client.ReadAsync($"/leaderboard?category={category}");

        board.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("display_name").GetString()).ShouldBe([name, null]);
    }

    [Fact]
    public async Task An_admin_keeps_the_areas()
    {
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var citizen = service.Citizen(out var user);
        var code = Code();
        var path = $"{Area}/areas/{code}";
        var circle = new { name = new { en = "Harbour", ar = "الميناء" }, latitude = -40.5, longitude = 100.25, radius_km = 1.5 };

        using var refused = await citizen.PutAsJsonAsync(path, circle, Cancel);
        ((int)refused.StatusCode).ShouldBe(403);
        using var created = await admin.PutAsJsonAsync(path, circle, Cancel);
        ((int)created.StatusCode).ShouldBe(200);
        (await citizen.ReadAsync("/areas")).Body.GetProperty("items").EnumerateArray().Single(area => area.GetProperty("code").GetString() == code).GetRawText()
            .ShouldBe($$$"""{"code":"{{{code}}}","name":{"en":"Harbour","ar":"الميناء"},"latitude":-40.5,"longitude":100.25,"radius_km":1.5}""");
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()) with { Latitude = -40.501, Longitude = 100.251 });
        await service.WaitForBalanceAsync(user, 10);
        (await BoardAsync($"area={code}")).ShouldBe([(1, user, 10)]);

        foreach (var (field, wrong) in new (string, object)[]
        {
            ("latitude", circle with { latitude = 91 }), ("longitude", circle with { longitude = -181 }), ("radius_km", circle with { radius_km = 0 }),
            ("name", circle with { name = new { en = new string('x', 101), ar = "x" } }), ("name.ar", circle with { name = new { en = "x", ar = " " } }),
        })
        {
            using var invalid = await admin.PutAsJsonAsync(path, wrong, Cancel);
            ((int)invalid.StatusCode).ShouldBe(400, field);
            (await invalid.Content.ReadFromJsonAsync<JsonElement>(Cancel)).BadFields.ShouldBe([field]);
        }

        using var badCode = await admin.PutAsJsonAsync($"{Area}/areas/Old%20Town", circle, Cancel);
        ((int)badCode.StatusCode).ShouldBe(400);
        using var deleted = await admin.DeleteAsync(path, Cancel);
        ((int)deleted.StatusCode).ShouldBe(204);
        using var gone = await admin.DeleteAsync(path, Cancel);
        ((int)gone.StatusCode).ShouldBe(404);
    }

    /// <summary>A place and a category that few report in would name the reporter.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task An_anonymous_report_awards_in_no_area_and_category(bool isAnonymous, bool isPrivate)
    {
        var (area, category) = (Code(), Code());
        var (unnamed, named) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var (latitude, longitude) = (isPrivate ? -50.5 : -51.5, 101.25);
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var created = await admin.PutAsJsonAsync($"{Area}/areas/{area}", new { name = new { en = "Harbour", ar = "الميناء" }, latitude, longitude, radius_km = 1.5 }, Cancel);
        ((int)created.StatusCode).ShouldBe(200);

        foreach (var (user, hides) in new[] { (unnamed, true), (named, false) })
        {
            var report = Guid.CreateVersion7();
            await service.Tap.PublishAsync(Created(user, report) with
            {
                Category = category,
                Latitude = latitude,
                Longitude = longitude,
                Anonymous = hides && isAnonymous,
                Private = hides && isPrivate,
            });
            await service.WaitForBalanceAsync(user, 10);
            await service.Tap.PublishAsync(Verified(user, report) with { Category = category, Latitude = latitude, Longitude = longitude });
            await service.WaitForBalanceAsync(user, 15);
        }

        foreach (var query in new[] { $"area={area}", $"category={category}", $"area={area}&category={category}" })
        {
            (await BoardAsync(query)).ShouldBe([(1, named, 15)], query);
        }

        using var deleted = await admin.DeleteAsync($"{Area}/areas/{area}", Cancel);
        ((int)deleted.StatusCode).ShouldBe(204);
    }

    /// <summary>Also if the events arrive in another order. The points stay, and nothing is told.</summary>
    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, true)]
    public async Task A_report_that_becomes_anonymous_or_private_leaves_the_boards_of_its_area_and_category(bool isAnonymous, bool isPrivate, bool isLate)
    {
        var (area, category, user, report) = (Code(), Code(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var (latitude, longitude) = (isLate ? -52.5 : isPrivate ? -53.5 : -54.5, 101.25);
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Citizen, Roles.Admin);
        using var created = await admin.PutAsJsonAsync($"{Area}/areas/{area}", new { name = new { en = "Harbour", ar = "الميناء" }, latitude, longitude, radius_km = 1.5 }, Cancel);
        ((int)created.StatusCode).ShouldBe(200);
        var hides = new ReportUpdated(
            report, user, "A deep hole", category, null, latitude, longitude, isPrivate, false, isAnonymous, [isPrivate ? "private" : "anonymous"], user, 3);
        if (!isLate)
        {
            await FileAsync();
            (await ScopedAsync(user)).ShouldBe([(area, "", 15), (area, category, 15), ("", category, 15)], ignoreOrder: true);
        }

        await service.Tap.PublishAsync(hides);
        await service.Tap.PublishAsync(hides with { Private = false, Anonymous = false, Version = 4 }); // it stays off: it has been on no board for a while
        if (isLate)
        {
            await EventsAsync(2);
            await FileAsync();
        }

        await EventsAsync(4);
        await service.WaitForBalanceAsync(user, 15);
        (await ScopedAsync(user)).ShouldAllBe(total => total.Points == 0);
        var awards = (await service.EntriesAsync(user)).FindAll(entry => entry.Kind == EntryKind.Earned);
        awards.Select(entry => entry.Points).ShouldBe([10, 5]);
        (await service.QueryAsync(database => database.PeriodTotals.Where(total => total.UserId == user && total.Period == Period.Month).SumAsync(total => total.Points, Cancel))).ShouldBe(15);
        (await service.QueryAsync(database => database.Balances.SingleAsync(balance => balance.UserId == user, Cancel))).ShouldSatisfyAllConditions(
            balance => (balance.Earned, balance.Reversed, balance.Owed).ShouldBe((15, 0, 0)));

        // Then an award is reversed by an administrator, the other because the report is rejected, and later points are off the boards too.
        using var reversed = await admin.PostAsJsonAsync($"{Area}/transactions/{awards[1].Id}/reverse", new { reason = "Twice." }, Cancel);
        ((int)reversed.StatusCode).ShouldBe(201);
        await service.Tap.PublishAsync(Status(user, report, "verified", "rejected") with { Category = category, Latitude = latitude, Longitude = longitude, Version = 5 });
        await service.WaitForBalanceAsync(user, 0);
        await service.Tap.PublishAsync(Resolved(user, report) with { Category = category, Latitude = latitude, Longitude = longitude, Version = 6 });
        await service.WaitForBalanceAsync(user, 60);
        (await ScopedAsync(user)).ShouldAllBe(total => total.Points == 0);
        service.Tap.Envelopes(PointsReversed.Type).Select(envelope => envelope.GetProperty("data")).Where(data => data.GetProperty("user_id").GetGuid() == user)
            .Select(data => data.GetProperty("reason").GetString()).Except(["reversed", "report_rejected"]).ShouldBeEmpty();
        using var client = service.Host.As(user);
        (await client.ReadAsync("/transactions/me")).Body.GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("points").GetInt32()).ShouldNotContain(0);
        await service.LedgerShouldBeWholeAsync();

        using var deleted = await admin.DeleteAsync($"{Area}/areas/{area}", Cancel);
        ((int)deleted.StatusCode).ShouldBe(204);

        async Task FileAsync()
        {
            await service.Tap.PublishAsync(Created(user, report) with { Category = category, Latitude = latitude, Longitude = longitude });
            await service.WaitForBalanceAsync(user, 10);
            await service.Tap.PublishAsync(Verified(user, report) with { Category = category, Latitude = latitude, Longitude = longitude });
            await service.WaitForBalanceAsync(user, 15);
        }

        Task EventsAsync(int count) => Eventually.TrueAsync(
            () => service.QueryAsync(async database => await database.ReportEvents.CountAsync(row => row.ReportId == report, Cancel) == count), $"{count} events");
    }

    /// <summary>What had expired of an award when it was reversed stays counted, but not where it could name the reporter.</summary>
    [Fact]
    public async Task What_has_expired_of_a_reversed_award_leaves_the_boards_with_its_anonymous_report()
    {
        var (category, user, report) = (Code(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await service.Tap.PublishAsync(Created(user, report) with { Category = category });
        await service.WaitForBalanceAsync(user, 10);
        var award = (await service.EntriesAsync(user)).ShouldHaveSingleItem();
        await service.BookAsync(new Booking(user, -4, EntryKind.Expired, PointTransaction.ExpiredPoints, $"expiry:{award.Id}") { Reverses = award.Id });
        await service.Tap.PublishAsync(Status(user, report, "submitted", "rejected") with { Category = category });
        await service.WaitForBalanceAsync(user, 0);
        (await ScopedAsync(user)).ShouldContain(("", category, 4L));

        await service.Tap.PublishAsync(new ReportUpdated(report, user, "A deep hole", category, null, 24.7, 46.7, false, false, true, ["anonymous"], user, 3));

        await Eventually.TrueAsync(async () => (await ScopedAsync(user)).TrueForAll(total => total.Points == 0), "no points in the category");
        await ShouldCountAsync();
        using var cleanup = ActivatorUtilities.CreateInstance<PeriodCleanup>(service.Host.Services);
        await cleanup.RunOnceAsync(Cancel);
        await ShouldCountAsync();

        // Without its expired part it is awarded again, for the whole city only.
        await service.Tap.PublishAsync(Verified(user, report) with { Category = category, Version = 4 });
        await service.WaitForBalanceAsync(user, 11);
        (await ScopedAsync(user)).ShouldAllBe(total => total.Points == 0);
        await service.LedgerShouldBeWholeAsync();

        async Task ShouldCountAsync()
        {
            (await ScopedAsync(user)).ShouldAllBe(total => total.Points == 0);
            (await service.QueryAsync(database => database.PeriodTotals.Where(total => total.UserId == user && total.Period == Period.Month).SumAsync(total => total.Points, Cancel))).ShouldBe(4);
        }
    }

    private Task<List<(string Area, string Category, long Points)>> ScopedAsync(Guid user) => service.QueryAsync(async database =>
        (await database.ScopedTotals.Where(total => total.UserId == user && total.Period == Period.All).ToListAsync(Cancel)).ConvertAll(total => (total.Area, total.Category, total.Points)));

    private static string Code() => $"c{Guid.CreateVersion7():N}";

    private static Booking Award(Guid user, int points, string? area, string? category) =>
        new(user, points, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}") { Rule = "test", Area = area, Category = category };

    private async Task BookAsync(IReadOnlyList<Booking> bookings)
    {
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        var ledger = scope.ServiceProvider.GetRequiredService<PointsLedger>();
        await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
        await ledger.BookAsync(await ledger.NewAsync(bookings, Cancel), Cancel);
        await transaction.CommitAsync(Cancel);
        await ledger.CommittedAsync(Cancel);
    }

    private async Task<List<(long Rank, Guid User, long Points)>> BoardAsync(string query)
    {
        using var anonymous = service.Host.Anonymous();
        var (status, board) = await anonymous.ReadAsync($"/leaderboard?{query}");
        status.ShouldBe(200);
        return Rows(board);
    }

    private static List<(long Rank, Guid User, long Points)> Rows(JsonElement board) =>
        [.. board.GetProperty("items").EnumerateArray().Select(item => (item.GetProperty("rank").GetInt64(), item.GetProperty("user_id").GetGuid(), item.GetProperty("points").GetInt64()))];

    private Task<List<string>> TotalsAsync(Guid[] users) => service.QueryAsync(database => database.Database.SqlQuery<string>($"""
        SELECT concat_ws(' ', user_id, period, starts_on, area, category, points) AS "Value" FROM (
            SELECT user_id, period, starts_on, '' AS area, '' AS category, points FROM period_totals
            UNION ALL SELECT user_id, period, starts_on, area, category, points FROM scoped_totals
        ) totals WHERE user_id = ANY ({users})
        """).ToListAsync(Cancel));

    /// <summary>The totals by their definition.</summary>
    private static List<string> Rebuilt(List<PointTransaction> entries) =>
    [
        .. (from entry in entries
            where entry.Rule is not null && entry.UserId != ErasedUser.Id
            from period in new[] { Period.All, Period.Month, Period.Week }
            from scope in new[] { ("", ""), (entry.Area ?? "", ""), ("", entry.Category ?? ""), (entry.Area ?? "", entry.Category ?? "") }.Distinct()
            where (period, scope) is not (Period.All, ("", ""))
            group entry.Points - entry.Owed by (entry.UserId, period, scope) into total
            let start = total.Key.period.StartOf(entries.Where(entry => entry.UserId == total.Key.UserId).Max(entry => entry.CreatedAt))
            select string.Create(
                CultureInfo.InvariantCulture,
                $"{total.Key.UserId} {PeriodTotal.Text(total.Key.period)} {start:yyyy-MM-dd} {total.Key.scope.Item1} {total.Key.scope.Item2} {total.Sum()}")),
    ];
}
