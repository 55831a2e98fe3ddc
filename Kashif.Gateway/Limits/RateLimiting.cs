using System.Globalization;
using Kashif.Gateway.Security;
using Kashif.Http;
using Kashif.Security;

namespace Kashif.Gateway.Limits;

/// <summary>Rejects requests over the limit, and adds the rate limit headers to all responses.</summary>
/// <remarks>The headers are those of https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06.</remarks>
internal static class RateLimiting
{
    private static readonly Error TooMany = Error.TooMany("rate_limited", "Too many requests. Try again after the seconds in Retry-After.");

    public static IServiceCollection AddRateLimits(this IServiceCollection services)
    {
        services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<LimitPolicies>();
        services.AddSingleton<LimitMetrics>();
        services.AddSingleton<LocalLimits>();
        services.AddSingleton<SharedLimits>();
        return services;
    }

    /// <summary>After authentication, which identifies the caller. Before the output cache, whose responses count too.</summary>
    public static void UseRateLimits(this WebApplication app)
    {
        var policies = app.Services.GetRequiredService<LimitPolicies>();
        var limits = app.Services.GetRequiredService<SharedLimits>();
        var metrics = app.Services.GetRequiredService<LimitMetrics>();
        app.Use(async (context, next) =>
        {
            if (policies.For(context) is not { } policy)
            {
                await next(context);
                return;
            }

            var decision = await limits.TakeAsync(policy, Caller(context, policy));

            // When the response starts, so that the output cache does not store them.
            context.Response.OnStarting(WriteHeaders, new Applied(context.Response, policy, decision));
            await (decision.Allowed ? next(context) : RejectAsync(context, policy, decision, metrics));
        });
    }

    /// <summary>Before authentication: limits the exchange of API keys itself.</summary>
    public static void UseApiKeyLimit(this WebApplication app)
    {
        var policy = app.Services.GetRequiredService<LimitPolicies>().ApiKeys;
        var limits = app.Services.GetRequiredService<SharedLimits>();
        var metrics = app.Services.GetRequiredService<LimitMetrics>();
        var tokens = app.Services.GetRequiredService<ApiKeyTokens>();
        app.Use(async (context, next) =>
        {
            if (ApiKeys.Of(context) is not { } key || tokens.IsCached(key))
            {
                await next(context);
                return;
            }

            var decision = await limits.TakeAsync(policy, AddressOf(context, policy));
            await (decision.Allowed ? next(context) : RejectAsync(context, policy, decision, metrics));
        });
    }

    private static Task RejectAsync(HttpContext context, LimitPolicy policy, Decision decision, LimitMetrics metrics)
    {
        metrics.Limited(policy);
        context.Response.Headers.RetryAfter = Seconds(decision.Reset);
        return TooMany.ToProblem().ExecuteAsync(context);
    }

    private static string AddressOf(HttpContext context, LimitPolicy policy) =>
        $"{policy.Name}:address:{ClientNetwork.Of(context.Connection.RemoteIpAddress)}";

    private static string Caller(HttpContext context, LimitPolicy policy)
    {
        // Not by API key: with twenty keys, a user would have twenty limits.
        return !policy.ByAddress && context.User.FindFirst(KashifClaims.Subject) is { } user
            ? $"{policy.Name}:user:{user.Value}"
            : AddressOf(context, policy);
    }

    private static Task WriteHeaders(object state)
    {
        var (response, policy, decision) = (Applied)state;
        var headers = response.Headers;
        headers["RateLimit-Limit"] = policy.LimitHeader;
        headers["RateLimit-Policy"] = policy.PolicyHeader;
        headers["RateLimit-Remaining"] = Math.Max(0, decision.Remaining).ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Reset"] = Seconds(decision.Reset);
        return Task.CompletedTask;
    }

    private static string Seconds(TimeSpan time) => Math.Max(1, (long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    private sealed record Applied(HttpResponse Response, LimitPolicy Policy, Decision Decision);
}
