using Kashif.Gateway.Limits;
using Microsoft.AspNetCore.Authentication;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Perimeter;

/// <summary>Tokens are checked here once, and again by each service. Who has none is let through: the service knows what is for everyone.</summary>
internal static class TokenCheck
{
    private const string Scheme = "Bearer";

    /// <summary>After authentication and limits: guessing tokens is limited too. Before the output cache: a bad token is refused for what is public, too.</summary>
    public static void UseTokenCheck(this WebApplication app)
    {
        var policies = app.Services.GetRequiredService<LimitPolicies>();
        app.Use((context, next) =>
        {
            if (!IsBad(context) || context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is null)
            {
                return next(context);
            }

            if (policies.For(context) is { ByAddress: true, Name: not LimitPolicies.Open })
            {
                // Signing in and refreshing is what somebody with an expired token does next: it plays no part there.
                context.Request.Headers.Authorization = default;
                return next(context);
            }

            return context.ChallengeAsync();
        });
    }

    private static bool IsBad(HttpContext context)
    {
        var sent = context.Request.Headers.Authorization;
        return sent.Count > 1
            || (sent.Count == 1 && context.User.Identity is not { IsAuthenticated: true }
                && sent.ToString().StartsWith(Scheme, StringComparison.OrdinalIgnoreCase));
    }
}
