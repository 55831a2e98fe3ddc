using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Security;

/// <summary>What an API key may be good for: reading or changing what its owner may, in one service.</summary>
public static class Scopes
{
    private const string Read = "read";
    private const string Write = "write";

    /// <summary>Every scope there is. Nothing in Auth can be changed with a key: that takes a person.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        $"{ResourceNames.Auth}:{Read}",
        .. new[] { ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications }
            .SelectMany(service => new[] { $"{service}:{Read}", $"{service}:{Write}" }),
    ];

    /// <summary>A person's own token may do what they may; one that was given for a key needs the scope of the service and the method.</summary>
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

        var method = http.Request.Method;
        var reads = HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
        var needed = $"{http.RequestServices.GetRequiredService<ServiceIdentity>().Name}:{(reads ? Read : Write)}";
        if (context.User.FindFirst(KashifClaims.Scope)?.Value.Split(' ').Contains(needed) == true)
        {
            return true;
        }

        http.Features.Set(new InsufficientScope(needed));
        return false;
    }
}

/// <summary>Why a 403 is one, for its problem.</summary>
internal sealed record InsufficientScope(string Needed)
{
    public const string Code = "insufficient_scope";
}
