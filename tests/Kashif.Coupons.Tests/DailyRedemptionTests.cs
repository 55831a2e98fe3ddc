using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Tests;

/// <summary>The report of a day's redemptions.</summary>
public sealed class DailyRedemptionTests(CouponsService service)
{
    [Fact]
    public async Task The_report_of_a_day_counts_the_redemptions_of_each_company()
    {
        var user = await service.UserAsync(2);
        var coupon = await service.Host.OfferAsync(30, stock: 5);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            (await service.Host.RedeemAsync(user, coupon)).Status.ShouldBe(201);
        }

        // On a day on which no other test redeems.
        var last = new DateTimeOffset(2026, 3, 6, 0, 0, 0, TimeSpan.Zero).AddMicroseconds(-1);
        foreach (var id in await service.Host.QueryAsync(database => database.Redemptions.Where(row => row.CouponId == coupon).Select(row => row.Id).ToListAsync()))
        {
            await service.Host.QueryAsync(database => database.Database.ExecuteSqlAsync(
                $"UPDATE redemptions SET id = {TimeOrderedId.Create(last)}, created_at = {last} WHERE id = {id}"));
        }

        await service.Host.QueryAsync(database => database.Database.ExecuteSqlAsync($"""
            INSERT INTO redemptions (id, coupon_id, user_id, status, points_cost, created_at, ended_at, leased_until)
            VALUES ({Guid.CreateVersion7(last.AddDays(-0.5))}, {coupon}, {user}, 'cancelled', 30, {last.AddDays(-0.5)}, now(), now()),
                ({Guid.CreateVersion7(last.AddMicroseconds(1))}, {coupon}, {user}, 'cancelled', 30, {last.AddMicroseconds(1)}, now(), now())
            """));
        var (company, name) = await service.Host.QueryAsync(async database =>
        {
            var found = await database.Companies.SingleAsync(row => database.Coupons.Any(offer => offer.Id == coupon && offer.CompanyId == row.Id));
            return (found.Id, found.Name);
        });
        using var admin = service.Host.Admin();
        using var citizen = service.Host.As(user);

        var (_, report) = await admin.ReadAsync("/reports/daily?date=2026-03-05");

        report.GetRawText().ShouldBe($$"""
            {"date":"2026-03-05","redemptions":2,"points_spent":60,"per_company":[{"company_id":{{company}},"company":"{{name}}","redemptions":2,"points_spent":60,"open":0,"cancelled":1}]}
            """);
        (await admin.ReadAsync("/reports/daily?date=2026-03-06")).Body.GetProperty("redemptions").GetInt64().ShouldBe(0);
        (await admin.ReadAsync("/reports/daily?date=0001-01-01")).Body.GetProperty("per_company").GetArrayLength().ShouldBe(0);
        (await admin.ReadAsync("/reports/daily?date=9999-12-31")).Status.ShouldBe(400);
        (await citizen.ReadAsync("/reports/daily")).Status.ShouldBe(403);
    }
}
