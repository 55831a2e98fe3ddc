using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Kashif.Coupons.Tests;

/// <summary>Migrations of a database with data.</summary>
public sealed class MigrationTests(CouponsService service)
{
    private const string WithoutLedger = "20261129100105_Versions";

    [Fact]
    public async Task The_ledger_of_coupons_that_exist_adds_up_to_their_stock()
    {
        await using var host = await service.StartAnotherAsync();
        var (coupon, wrong) = (await host.OfferAsync(1, stock: 5), await host.OfferAsync(1, stock: 5));
        using var admin = host.Admin();
        (await admin.SubmitAsync($"/{coupon}/restock", new { quantity = 2 })).Status.ShouldBe(200);
        var user = await service.UserAsync(1);
        var redeemed = await host.BuyAsync(user, coupon);
        using var client = host.As(user);
        var cancelled = await host.BuyAsync(user, coupon);
        (await client.SubmitAsync($"/redemptions/{cancelled.Id}/cancel", null)).Status.ShouldBe(200);

        await MigrateAsync(WithoutLedger);
        await host.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE coupons SET stock = 3 WHERE id = {wrong}"));
        await MigrateAsync(null);

        (await MovementsAsync(coupon)).ShouldBe(["Initial 5", "Restocked 2", "Reserved -1"], ignoreOrder: true);
        (await MovementsAsync(wrong)).ShouldBe(["Initial 5", "Corrected -2"], ignoreOrder: true);
        (await client.ReadAsync($"/redemptions/{redeemed.Id}")).Body.Code.ShouldBe(redeemed.Code);

        Task MigrateAsync(string? target) => host.QueryAsync(async database =>
        {
            await database.GetService<IMigrator>().MigrateAsync(target);
            return true;
        });

        async Task<string[]> MovementsAsync(int id) =>
            [.. (await host.QueryAsync(database => database.StockMovements.Where(row => row.CouponId == id).ToListAsync())).Select(row => $"{row.Kind} {row.Quantity}")];
    }
}
