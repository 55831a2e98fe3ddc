using Kashif.Http;

namespace Kashif.Reporting.Reports;

internal static class ReportErrors
{
    public static Error NotFound { get; } = Error.NotFound("There is no such report.");
}
