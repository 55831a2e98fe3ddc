using Kashif.Gateway.Routing;
using Kashif.Security;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Security;

/// <summary>
/// Replaces an API key with a token, so that the rest of the gateway and the services handle only tokens and never see a key.
/// </summary>
internal static class ApiKeys
{
    private const string Header = "X-Api-Key";
    private const string Scheme = "Bearer ";

    /// <summary>An invalid token, so that authentication rejects the request.</summary>
    private const string Refused = "Bearer refused";

    public static IServiceCollection AddApiKeys(this IServiceCollection services)
    {
        services.AddHttpClient(ApiKeyTokens.Client, client => client.BaseAddress = new Uri($"https+http://{ResourceNames.Auth}")).AddServiceToken();
        services.AddSingleton<ApiKeyTokens>();
        return services;
    }

    /// <summary>After routing, before authentication.</summary>
    public static void UseApiKeys(this WebApplication app)
    {
        var tokens = app.Services.GetRequiredService<ApiKeyTokens>();
        app.Use(async (context, next) =>
        {
            if (Of(context) is { } key)
            {
                var token = await tokens.ExchangeAsync(key, context.RequestAborted);
                context.Request.Headers.Remove(Header);
                context.Request.Headers.Authorization = token is null ? Refused : Scheme + token;
            }

            await next(context);
        });
    }

    /// <returns>The request's API key; null without one, empty if the credentials are ambiguous.</returns>
    public static string? Of(HttpContext context)
    {
        var headers = context.Request.Headers;
        var isBearer = headers.Authorization.ToString() is var sent && sent.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && ApiKeyTokens.IsKey(sent[Scheme.Length..]);
        if ((!isBearer && !headers.ContainsKey(Header)) || context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is not { } route
            || route.Config.Metadata?.ContainsKey(Routes.Open311) == true)
        {
            return null;
        }

        // Two credentials are ambiguous.
        string[] given = [.. headers.Authorization.OfType<string>(), .. headers[Header].OfType<string>()];
        return given is [var only] ? only.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? only[Scheme.Length..] : only : "";
    }
}
