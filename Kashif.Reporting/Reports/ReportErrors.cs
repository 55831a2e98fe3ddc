using Kashif.Http;

namespace Kashif.Reporting.Reports;

internal static class ReportErrors
{
    public static Error NotFound { get; } = Error.NotFound("Report not found.");
}
