using System.Net;

namespace Kashif.Notifications.Alerts;

/// <summary>A coupon in Coupons' public API.</summary>
internal sealed record CouponDetails(int Id, string Title, int Stock, DateTimeOffset? EndsAt);

/// <param name="Coupon">Null if there is no such coupon, or no answer.</param>
internal sealed record CouponAnswer(KnownCoupon? Coupon, bool IsAvailable);

/// <summary>Reads a coupon from Coupons.</summary>
internal sealed partial class CouponReader(HttpClient http, ILogger<CouponReader> logger)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    public async Task<CouponAnswer> FindAsync(int id, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            using var response = await http.GetAsync($"/api/v1/coupons/{id}", limit.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return new(null, IsAvailable: true);
            }

            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync(NotificationsJson.Default.CouponDetails, limit.Token) is { } coupon
                ? new(new KnownCoupon { Id = coupon.Id, Title = coupon.Title, Stock = coupon.Stock, EndsAt = coupon.EndsAt }, IsAvailable: true)
                : new(null, IsAvailable: true);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Unavailable(logger, id, exception.Message);
            return new(null, IsAvailable: false);
        }
    }

    [LoggerMessage(EventId = 6061, Level = LogLevel.Warning, Message = "Could not read coupon {CouponId}: {Reason}")]
    private static partial void Unavailable(ILogger logger, int couponId, string reason);
}
