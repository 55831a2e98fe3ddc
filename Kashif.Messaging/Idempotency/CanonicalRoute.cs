using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Kashif.Messaging.Idempotency;

/// <summary>
/// A request's method and path in one spelling: the literals of its route's template, and the values of its parameters. So a trailing
/// slash, another letter case, percent-encoding and leading zeros make no other route.
/// </summary>
internal static class CanonicalRoute
{
    public static string Of(HttpContext context)
    {
        var template = context.GetEndpoint() is RouteEndpoint endpoint
            ? endpoint.RoutePattern
            : throw new InvalidOperationException("The request has no route.");
        var segments = template.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => Text(part, context.Request.RouteValues))));
        return $"{context.Request.Method} /{string.Join('/', segments)}";
    }

    private static string Text(RoutePatternPart part, RouteValueDictionary values) => part switch
    {
        RoutePatternLiteralPart literal => literal.Content,
        RoutePatternSeparatorPart separator => separator.Content,
        RoutePatternParameterPart parameter => Text(parameter, Convert.ToString(values[parameter.Name], CultureInfo.InvariantCulture) ?? ""),
        _ => throw new InvalidOperationException($"Unknown part of a route: {part.GetType()}."),
    };

    private static string Text(RoutePatternParameterPart parameter, string value) => parameter.ParameterPolicies.Select(policy => policy.Content).ToArray() switch
    {
        var constraints when constraints.Contains("guid") => Guid.Parse(value).ToString(),
        var constraints when constraints.Contains("int") || constraints.Contains("long") => long.Parse(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
        _ => value,
    };
}
