using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using Kashif.Http;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Assistant;

/// <summary>A report in Reporting's public API.</summary>
internal sealed record ReportItem(Guid Id, string Title, string Status, string Category, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? ExpectedAt)
{
    public string Path => $"/api/v1/reports/{Id}";

    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsOpen => Status is "submitted" or "verified" or "in_progress";
}

/// <summary>A user's points in Gamification's public API.</summary>
internal sealed record PointsItem(long Points, long Earned, long Spent, long? Rank, int Level);

/// <summary>A coupon in Coupons' public API.</summary>
internal sealed record CouponItem(int Id, string Title, string CompanyName, int PointsCost, int Stock, DateTimeOffset? EndsAt);

/// <summary>A redemption in Coupons' public API, without its code.</summary>
internal sealed record RedemptionItem(Guid Id, string Status, RedeemedItem Coupon, DateTimeOffset? ExpiresAt);

internal sealed record RedeemedItem(int Id, string Title);

internal enum ReadOutcome
{
    Read,

    /// <summary>The caller may not: their API key lacks the scope.</summary>
    Forbidden,

    /// <summary>No answer in time.</summary>
    Unavailable,
}

/// <param name="Data">Null unless it was read.</param>
internal sealed record Reading<T>(ReadOutcome Outcome, string Service, string Path, T? Data)
    where T : class;

/// <summary>Reads the services' public API as the caller: with the caller's own token.</summary>
internal sealed partial class ServiceReader(IHttpClientFactory clients, IOptions<AssistantOptions> options, ILogger<ServiceReader> logger)
{
    public const string Client = "assistant";
    public const string Reports = "/api/v1/reports/my-reports";
    public const string Points = "/api/v1/gamification/points/me";
    public const string Coupons = "/api/v1/coupons";
    public const string Redemptions = "/api/v1/coupons/redemptions/me";

    public Task<Reading<Page<ReportItem>>> ReportsAsync(AssistantQuestion question, CancellationToken cancellationToken) =>
        ReadAsync(ResourceNames.Reporting, $"{Reports}?limit=50", question, NotificationsJson.Default.PageReportItem, cancellationToken);

    public Task<Reading<PointsItem>> PointsAsync(AssistantQuestion question, CancellationToken cancellationToken) =>
        ReadAsync(ResourceNames.Gamification, Points, question, NotificationsJson.Default.PointsItem, cancellationToken);

    public Task<Reading<Page<CouponItem>>> AffordableAsync(AssistantQuestion question, CancellationToken cancellationToken) =>
        ReadAsync(ResourceNames.Coupons, $"{Coupons}?affordable=true&limit=20", question, NotificationsJson.Default.PageCouponItem, cancellationToken);

    public Task<Reading<Page<RedemptionItem>>> RedemptionsAsync(AssistantQuestion question, CancellationToken cancellationToken) =>
        ReadAsync(ResourceNames.Coupons, $"{Redemptions}?limit=5", question, NotificationsJson.Default.PageRedemptionItem, cancellationToken);

    private async Task<Reading<T>> ReadAsync<T>(string service, string path, AssistantQuestion question, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.ReadTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"https+http://{service}{path}");
            request.Headers.Authorization = AuthenticationHeaderValue.Parse(question.Authorization);
            using var response = await clients.CreateClient(Client).SendAsync(request, limit.Token);
            if (response.StatusCode == HttpStatusCode.Forbidden)
            {
                return new(ReadOutcome.Forbidden, service, path, null);
            }

            response.EnsureSuccessStatusCode();
            var data = await response.Content.ReadFromJsonAsync(type, limit.Token) ?? throw new HttpRequestException("The response is null.");
            return new(ReadOutcome.Read, service, path, data);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Unread(logger, service, exception.Message);
            return new(ReadOutcome.Unavailable, service, path, null);
        }
    }

    [LoggerMessage(EventId = 6062, Level = LogLevel.Warning, Message = "The assistant could not read from {Service}: {Reason}")]
    private static partial void Unread(ILogger logger, string service, string reason);
}
