using System.Text.Json;
using Kashif.Coupons.Redemptions;
using Kashif.Messaging.Events;

namespace Kashif.Coupons.Tests;

/// <summary>The event of a coupon whose availability changes.</summary>
public sealed class AvailabilityTests(CouponsService service)
{
    [Fact]
    public async Task A_new_coupon_and_the_last_redemption_are_published_and_no_other()
    {
        var ends = new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var title = $"A tea {Guid.CreateVersion7()}";
        var coupon = await service.Host.OfferAsync(10, stock: 3, title: title, endsAt: ends);
        var users = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => service.UserAsync(1)));
        foreach (var user in users)
        {
            (await service.Host.RedeemAsync(user, coupon)).Status.ShouldBe(201);
        }

        await service.Tap.WaitForAsync(CouponUpdated.Type, data => Is(data, title) && data.GetProperty("stock").GetInt32() == 0);
        var events = EventsOf(title);

        events.Select(data => data.GetProperty("stock").GetInt32()).ShouldBe([3, 0]);
        events.Select(data => data.GetProperty("version").GetInt32()).ShouldBe([1, 4]);
        events[0].GetProperty("coupon_id").GetInt32().ShouldBe(coupon);
        events[0].GetProperty("ends_at").GetDateTimeOffset().ShouldBe(ends);
        events[0].GetProperty("company_id").GetInt32().ShouldBePositive();
    }

    [Fact]
    public async Task A_cancelled_redemption_of_the_last_one_publishes_that_it_is_back()
    {
        var network = new FaultyNetwork { Next = () => Fault.LostResponse };
        await using var host = await service.StartAnotherAsync(network: network);
        var title = $"A cake {Guid.CreateVersion7()}";
        var user = await service.UserAsync(1);
        var coupon = await host.OfferAsync(60, stock: 1, title: title);
        (await host.RedeemAsync(user, coupon)).Status.ShouldBe(202);

        network.Next = () => Fault.None; // too few points: recovery cancels
        await service.Tap.WaitForAsync(CouponUpdated.Type, data => Is(data, title) && data.GetProperty("version").GetInt32() == 3);

        EventsOf(title).Select(data => data.GetProperty("stock").GetInt32()).ShouldBe([1, 0, 1]);
        (await host.CountAsync(coupon, RedemptionStatus.Cancelled)).ShouldBe(1);
    }

    private JsonElement[] EventsOf(string title) =>
        [.. service.Tap.Envelopes(CouponUpdated.Type).Select(envelope => envelope.GetProperty("data"))
            .Where(data => Is(data, title)).OrderBy(data => data.GetProperty("version").GetInt32())];

    /// <summary>By the title, because each database counts the coupons from 1.</summary>
    private static bool Is(JsonElement data, string title) => data.GetProperty("title").GetString() == title;
}
