using System.Net;
using System.Text.Json;
using Kashif.Coupons.Redemptions;
using Microsoft.Extensions.Options;

namespace Kashif.Coupons.Points;

internal sealed record DebitRequest(Guid UserId, int Points, int CouponId);

internal sealed record BalanceResponse(long Points);

internal enum DebitOutcome
{
    Debited,

    /// <summary>Gamification refused. Final: it stores the refusal under the redemption's id.</summary>
    Refused,

    /// <summary>No conclusive response: the points may or may not be debited. Retrying is safe and finds out.</summary>
    Unknown,
}

/// <summary>Reads and debits points in Gamification.</summary>
internal sealed partial class PointsClient(HttpClient http, IOptions<RedemptionOptions> options, ILogger<PointsClient> logger)
{
    private const string InsufficientPoints = "insufficient_points";

    /// <summary>Debits points. Idempotent by <paramref name="id"/>.</summary>
    public async Task<DebitOutcome> DebitAsync(Guid id, DebitRequest debit, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.DebitTimeout);
        try
        {
            using var response = await http.PutAsJsonAsync(
                $"/internal/v1/debits/{id}",
                debit,
                CouponsJson.Default.DebitRequest,
                limit.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return DebitOutcome.Debited;
            }

            if (response.StatusCode == HttpStatusCode.UnprocessableEntity && await CodeAsync(response, limit.Token) == InsufficientPoints)
            {
                return DebitOutcome.Refused;
            }

            NotSettled(logger, id, $"status {(int)response.StatusCode}");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The debit may have happened even so.
            NotSettled(logger, id, exception.Message);
        }

        return DebitOutcome.Unknown;
    }

    /// <returns>The user's points; null if Gamification does not respond soon.</returns>
    public async Task<long?> BalanceAsync(Guid userId, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.DebitTimeout / 4);
        try
        {
            return (await http.GetFromJsonAsync($"/internal/v1/balances/{userId}", CouponsJson.Default.BalanceResponse, limit.Token))?.Points;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            BalanceUnknown(logger, exception.Message);
            return null;
        }
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var problem = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
        return problem.RootElement.TryGetProperty("code", out var code) ? code.GetString() : null;
    }

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "Could not read a user's points: {Reason}")]
    private static partial void BalanceUnknown(ILogger logger, string reason);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "The outcome of the debit for redemption {RedemptionId} is unknown ({Reason}); it will be retried")]
    private static partial void NotSettled(ILogger logger, Guid redemptionId, string reason);
}
