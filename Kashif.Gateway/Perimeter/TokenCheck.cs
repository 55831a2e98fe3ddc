using Kashif.Gateway.Limits;
using Microsoft.AspNetCore.Authentication;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Perimeter;

/// <summary>Rejects invalid tokens before the services, which check them again. Requests without a token pass: the service decides.</summary>
internal static class TokenCheck
{
    private const string Scheme = "Bearer";

    /// <summary>After the rate limits, to limit guessing. Before the output cache, to reject an invalid token for public responses too.</summary>
    public static void UseTokenCheck(this WebApplication app)
    {
        var policies = app.Services.GetRequiredService<LimitPolicies>();
        app.Use((context, next) =>
        {
            if (!HasInvalidToken(context) || context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is null)
            {
                return next(context);
            }

            if (policies.For(context) is { ByAddress: true, Name: not LimitPolicies.Open })
            {
                // A client with an expired token must be able to sign in or refresh: ignore the token.
                context.Request.Headers.Authorization = default;
                return next(context);
            }

            return context.ChallengeAsync();
        });
    }

    private static bool HasInvalidToken(HttpContext context)
    {
        var sent = context.Request.Headers.Authorization;
        return sent.Count > 1
            || (sent.Count == 1 && context.User.Identity is not { IsAuthenticated: true }
                && sent.ToString().StartsWith(Scheme, StringComparison.OrdinalIgnoreCase));
    }
}
