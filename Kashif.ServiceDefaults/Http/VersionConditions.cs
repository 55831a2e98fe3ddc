using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>Conditional requests for resources with a version (RFC 9110, section 13).</summary>
public static class VersionConditions
{
    /// <summary>Whether the request has an <c>If-Match</c> that names another version.</summary>
    public static bool IsStale(this HttpContext http, int version) =>
        http.Request.Headers.IfMatch is { Count: > 0 } condition && !VersionETag.Matches(condition, VersionETag.Of(version), strong: true);

    /// <summary>Sends the version as the <c>ETag</c> of a resource that was read, created or changed: the next change can name it in <c>If-Match</c>.</summary>
    public static void SendVersion(this HttpContext http, int version) => http.Response.Headers.ETag = VersionETag.Of(version).ToString();

    /// <summary>Sends the version as a tag that caches check each time.</summary>
    /// <returns>Whether the client has this version: answer 304.</returns>
    public static bool IsKnown(this HttpContext http, int version)
    {
        http.SendVersion(version);
        http.Response.Headers.CacheControl = "public, no-cache";
        return VersionETag.Matches(http.Request.Headers.IfNoneMatch, VersionETag.Of(version), strong: false);
    }

    /// <summary>Describes <c>If-Match</c>.</summary>
    /// <param name="what">The noun of the resource, such as <c>order</c>.</param>
    public static RequestHeader IfMatch(string what) =>
        new("If-Match", $"The `ETag` of the {what} that the client has read: 412 if it has changed since.", 1000, "\"1\"");

    /// <summary>Describes <c>If-Match</c> and its 412 in the OpenAPI document.</summary>
    /// <inheritdoc cref="IfMatch" path="/param"/>
    public static RouteHandlerBuilder WithIfMatch(this RouteHandlerBuilder endpoint, string what) =>
        endpoint.WithMetadata(IfMatch(what)).WithProblems(412, "precondition_failed");
}
