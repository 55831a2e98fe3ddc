using Kashif.Coupons.Redemptions;
using Kashif.Testing;

namespace Kashif.Coupons.Tests;

/// <summary>A person goes, what they redeemed stays sold.</summary>
public sealed class ErasureTests(CouponsService service)
{
    [Fact]
    public async Task Redemptions_stay_without_the_person()
    {
        var user = await service.UserAsync(1);
        var coupon = await service.Host.OfferAsync(pointsCost: 40, stock: 3);
        (await service.Host.RedeemAsync(user, coupon, key: "once")).Status.ShouldBe(201);

        await service.Tap.EraseAsync(user, ResourceNames.Coupons);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox"]).ShouldBeEmpty();
        (await service.Host.CountAsync(coupon, RedemptionStatus.Completed)).ShouldBe(1);
        await service.Host.ShouldAddUpAsync();
        using var client = service.Host.As(user);
        (await client.ReadAsync("/redemptions/me")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
    }
}
