using System.Text.Json;
using Kashif.Coupons.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Kashif.Coupons.Tests;

/// <summary>Migrations of a database with data.</summary>
public sealed class MigrationTests(CouponsService service)
{
    private const string WithoutLedger = "20261129100105_Versions";
    private const string WithoutEvents = "20261129143346_PartnersAndShop";

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

    [Fact]
    public async Task Partners_that_exist_are_published_once()
    {
        // Not a host: its relay would publish the events before the test reads them.
        var connection = new NpgsqlConnectionStringBuilder(service.Host.Database) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;
        await using var database = new CouponsDbContext(new DbContextOptionsBuilder<CouponsDbContext>().UseNpgsql(connection).UseSnakeCaseNamingConvention().Options);
        var migrator = database.GetService<IMigrator>();
        await migrator.MigrateAsync(WithoutEvents);
        Guid[] users = [Guid.CreateVersion7(), Guid.CreateVersion7()];
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO companies (id, name, description) VALUES (3, 'Corner Café', '');
            INSERT INTO company_partners (company_id, user_id, created_at) SELECT 3, user_id, now() FROM unnest({users}) AS users (user_id)
            """);

        await migrator.MigrateAsync();
        await migrator.MigrateAsync();

        var events = await database.Set<OutboxMessage>().ToListAsync();
        events.ShouldAllBe(row => row.Type == CompanyPartnerUpdated.Type && row.Subject == "3");
        events.Select(row => JsonSerializer.Deserialize(row.Payload, EventCatalog.Types[row.Type]))
            .ShouldBe(users.Select(user => new CompanyPartnerUpdated(3, user, IsPartner: true, 0)), ignoreOrder: true);
        await database.Database.EnsureDeletedAsync();
    }
}
