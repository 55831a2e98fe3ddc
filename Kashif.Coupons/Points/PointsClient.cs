using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Kashif.Coupons.Points;

internal sealed record DebitRequest(Guid UserId, int Points, int? CouponId = null, Guid? OrderId = null);

/// <param name="Level">1 for a new user; null from a Gamification of before levels.</param>
/// <param name="Areas">The codes of the areas from which the user has points; null if not asked for, or from a Gamification of before areas.</param>
internal sealed record BalanceResponse(long Points, int? Level = null, IReadOnlyList<string>? Areas = null);

/// <param name="Code">The area's code.</param>
internal sealed record AreaResponse(string Code);

internal enum DebitOutcome
{
    Debited,

    /// <summary>Gamification refused, or gave the points back. Final: it stores that under the id.</summary>
    Refused,

    /// <summary>No conclusive response: the points may or may not be debited. Retrying is safe and finds out.</summary>
    Unknown,
}

/// <summary>Reads, debits and refunds points in Gamification, and knows its areas.</summary>
internal sealed partial class PointsClient(HttpClient http, ILogger<PointsClient> logger)
{
    private const string InsufficientPoints = "insufficient_points";

    /// <summary>Debits points. Idempotent by <paramref name="id"/>.</summary>
    public Task<DebitOutcome> DebitAsync(Guid id, DebitRequest debit, TimeSpan timeout, CancellationToken cancellationToken) =>
        PutAsync("debits", id, debit, DebitOutcome.Debited, timeout, cancellationToken);

    /// <summary>Gives a debit back; one that arrives later is refused. Idempotent by <paramref name="id"/>.</summary>
    /// <returns><see cref="DebitOutcome.Refused"/> or <see cref="DebitOutcome.Unknown"/>.</returns>
    public Task<DebitOutcome> RefundAsync(Guid id, DebitRequest debit, TimeSpan timeout, CancellationToken cancellationToken) =>
        PutAsync("refunds", id, debit, DebitOutcome.Refused, timeout, cancellationToken);

    private async Task<DebitOutcome> PutAsync(
        string collection, Guid id, DebitRequest debit, DebitOutcome done, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var response = await http.PutAsJsonAsync(
                $"/internal/v1/{collection}/{id}",
                debit,
                CouponsJson.Default.DebitRequest,
                limit.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return done;
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

    /// <returns>The user's points; null if Gamification does not respond.</returns>
    public async Task<long?> BalanceAsync(Guid userId, TimeSpan timeout, CancellationToken cancellationToken) =>
        (await AccountAsync(userId, withAreas: false, timeout, cancellationToken))?.Points;

    /// <param name="withAreas">Whether to read also the areas from which the user has points.</param>
    /// <returns>The user's points and level; null if Gamification does not respond.</returns>
    public Task<BalanceResponse?> AccountAsync(Guid userId, bool withAreas, TimeSpan timeout, CancellationToken cancellationToken) =>
        GetAsync($"/internal/v1/balances/{userId}{(withAreas ? "?areas=true" : "")}", CouponsJson.Default.BalanceResponse, timeout, cancellationToken);

    /// <returns>Whether there is no such area; false if Gamification does not respond.</returns>
    public async Task<bool> LacksAreaAsync(string code, TimeSpan timeout, CancellationToken cancellationToken) =>
        await GetAsync("/api/v1/gamification/areas", CouponsJson.Default.PageAreaResponse, timeout, cancellationToken) is { } areas && areas.Items.All(area => area.Code != code);

    private async Task<T?> GetAsync<T>(string path, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            return await http.GetFromJsonAsync(path, type, limit.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            NoResponse(logger, exception.Message);
            return null;
        }
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var problem = await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken);
        return problem.RootElement.TryGetProperty("code", out var code) ? code.GetString() : null;
    }

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "Could not read a user's points or the areas: {Reason}")]
    private static partial void NoResponse(ILogger logger, string reason);

    [LoggerMessage(EventId = 4001, Level = LogLevel.Warning, Message = "The outcome of the debit {DebitId} is unknown ({Reason}); it will be retried")]
    private static partial void NotSettled(ILogger logger, Guid debitId, string reason);
}
