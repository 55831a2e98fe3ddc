using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Security;

/// <summary>The scopes of API keys. A scope allows reads or writes in one service, within the owner's rights.</summary>
public static class Scopes
{
    private const string Read = "read";
    private const string Write = "write";

    /// <summary>All scopes. Auth has no write scope: account changes need a session.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        $"{ResourceNames.Auth}:{Read}",
        .. new[] { ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications }
            .SelectMany(service => new[] { $"{service}:{Read}", $"{service}:{Write}" }),
    ];

    /// <summary>The scope for a method of a service.</summary>
    internal static string Needed(string service, string method) => $"{service}:{(HttpMethods.IsGet(method) || HttpMethods.IsHead(method) ? Read : Write)}";

    /// <summary>A token for an API key needs the scope of the service and method. Other tokens need none.</summary>
    internal static bool Allow(AuthorizationHandlerContext context)
    {
        if (context.User.FindFirst(KashifClaims.ApiKey) is null)
        {
            return true;
        }

        if (context.Resource is not HttpContext http)
        {
            return false;
        }

        var needed = Needed(http.RequestServices.GetRequiredService<ServiceIdentity>().Name, http.Request.Method);
        if (context.User.HasScope(needed))
        {
            return true;
        }

        // No scope would help at an endpoint that needs a session.
        if (All.Contains(needed) && http.GetEndpoint()?.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(required => required.Policy == Policies.Session) != true)
        {
            http.Features.Set(new InsufficientScope(needed));
        }

        return false;
    }

    /// <summary>A public endpoint needs no scope. Without it, an API key reads there what everyone may, and not what its owner may.</summary>
    internal static Task Middleware(HttpContext context, RequestDelegate next)
    {
        if (context.User.FindFirst(KashifClaims.ApiKey) is not null
            && context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null
            && !context.User.HasScope(Needed(context.RequestServices.GetRequiredService<ServiceIdentity>().Name, context.Request.Method)))
        {
            context.User = new ClaimsPrincipal(new ClaimsIdentity());
        }

        return next(context);
    }
}

/// <summary>Request feature: the missing scope, for the problem of the 403.</summary>
internal sealed record InsufficientScope(string Needed)
{
    public const string Code = "insufficient_scope";
}
