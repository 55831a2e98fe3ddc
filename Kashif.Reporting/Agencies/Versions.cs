using Kashif.Http;

namespace Kashif.Reporting.Agencies;

/// <summary>Lets a client change only the version of an agency or area that it has read.</summary>
internal static class Versions
{
    public static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The version does not match If-Match. Read it again.");

    public static Error Changed { get; } = Error.Conflict("changed_meanwhile", "Another request has just changed this. Read it again.");

    /// <summary>The answer to a lost race.</summary>
    public static Error LostRace(this HttpContext http) => http.Request.Headers.IfMatch.Count > 0 ? Stale : Changed;
}
