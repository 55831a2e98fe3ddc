using System.Net;
using System.Text.Json;

namespace Kashif.Coupons.Redemptions;

internal sealed record DebitRequest(Guid UserId, int Points, int CouponId);

internal sealed record BalanceResponse(long Points);

internal enum DebitOutcome
{
    Debited,

    /// <summary>Gamification has said no, and will say so for ever: the refusal is kept under the redemption's id.</summary>
    Refused,

    /// <summary>No answer that settles it: the points may or may not be debited. Asking again is safe and finds out.</summary>
    Unknown,
}

/// <summary>Asks Gamification for points.</summary>
internal sealed partial class PointsClient(HttpClient http, ILogger<PointsClient> logger)
{
    private const string InsufficientPoints = "insufficient_points";

    /// <summary>Debits the redemption's points, once however often this is called.</summary>
    public async Task<DebitOutcome> DebitAsync(Redemption redemption, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var response = await http.PutAsJsonAsync(
                $"/internal/v1/debits/{redemption.Id}",
                new DebitRequest(redemption.UserId, redemption.PointsCost, redemption.CouponId),
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

            NotSettled(logger, redemption.Id, $"status {(int)response.StatusCode}");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it was, the debit may have happened.
            NotSettled(logger, redemption.Id, exception.Message);
        }

        return DebitOutcome.Unknown;
    }

    /// <returns>The user's points; null where Gamification does not answer.</returns>
    public async Task<long?> BalanceAsync(Guid userId, CancellationToken cancellationToken)
    {
        try
        {
            return (await http.GetFromJsonAsync($"/api/v1/gamification/points/{userId}", CouponsJson.Default.BalanceResponse, cancellationToken))?.Points;
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

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "A user's points could not be read: {Reason}")]
    private static partial void BalanceUnknown(ILogger logger, string reason);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "The debit for redemption {RedemptionId} is not settled ({Reason}); it is asked for again")]
    private static partial void NotSettled(ILogger logger, Guid redemptionId, string reason);
}
