using Kashif.Http;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Reports;

internal static class ReportErrors
{
    public static Error NotFound { get; } = Error.NotFound("Report not found.");

    /// <summary>The caller's <c>If-Match</c> names another version.</summary>
    public static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The report's version does not match If-Match. Read the report again.");

    public static Error Changed { get; } = Error.Conflict("report_changed", "Another request has just changed this report. Read it again.");

    /// <summary>Another request has changed the version, has added the same version to the history, or has deleted the report.</summary>
    public static bool IsLostRace(DbUpdateException exception) =>
        exception is DbUpdateConcurrencyException
        or { InnerException: PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation } };

    /// <summary>The answer to a lost race.</summary>
    public static Error LostRace(HttpContext http) => http.Request.Headers.IfMatch.Count > 0 ? Stale : Changed;

    /// <summary>Whether the request has an <c>If-Match</c> that names another version than the report's.</summary>
    public static bool IsStale(HttpContext http, Report report) =>
        http.Request.Headers.IfMatch is { Count: > 0 } condition && !ReportETag.IsMatch(condition, report);
}
