using Kashif.Http;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Agencies;

/// <summary>Lets a client change only the version of an agency or area that it has read.</summary>
internal static class Versions
{
    public static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The version does not match If-Match. Read it again.");

    public static Error Changed { get; } = Error.Conflict("changed_meanwhile", "Another request has just changed this. Read it again.");

    /// <summary>Whether the request has an <c>If-Match</c> that names another version.</summary>
    public static bool IsStale(this HttpContext http, int version) =>
        http.Request.Headers.IfMatch is { Count: > 0 } condition && !VersionETag.Matches(condition, VersionETag.Of(version), strong: true);

    /// <summary>Sends the version as a tag that caches check each time.</summary>
    /// <returns>Whether the client has this version: answer 304.</returns>
    public static bool IsKnown(this HttpContext http, int version)
    {
        var tag = VersionETag.Of(version);
        http.Response.Headers.ETag = tag.ToString();
        http.Response.Headers.CacheControl = "public, no-cache";
        return VersionETag.Matches(http.Request.Headers.IfNoneMatch, tag, strong: false);
    }

    /// <summary>The answer to a lost race.</summary>
    public static Error LostRace(this HttpContext http) => http.Request.Headers.IfMatch.Count > 0 ? Stale : Changed;

    public static bool IsForeignKeyViolation(this DbUpdateException exception) =>
        exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };

    /// <summary>Whether a valid body sets the field to null, and does not just leave it out.</summary>
    public static bool Clears(this HttpContext http, string field) => http.Features.Get<JsonBody>()?.SetsToNull(field) == true;

    /// <summary>Describes <c>If-Match</c>.</summary>
    public static RouteHandlerBuilder WithVersion(this RouteHandlerBuilder endpoint, string what) => endpoint
        .WithMetadata(new RequestHeader("If-Match", $"The `ETag` of the {what} that the client has read: 412 if it has changed since.", 1000, "\"1\""))
        .WithProblems(412, "precondition_failed");
}
