using Kashif.Http;
using Kashif.Reporting.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <param name="StatusChanges">The user's changes to own and other reports.</param>
internal sealed record UserReports(IAsyncEnumerable<ReportResponse> Reports, IAsyncEnumerable<ExportedStatusChange> StatusChanges);

internal sealed record ExportedStatusChange(Guid ReportId, ReportStatus From, ReportStatus To, string? Comment, DateTimeOffset At, ChangeKind Kind, IReadOnlyList<string>? Fields);

internal static class ReportExport
{
    public static void MapReportExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(Export);

    private static Ok<UserReports> Export(Guid id, ReportingDbContext database) => TypedResults.Ok(new UserReports(
        database.Reports.AsNoTracking().Where(report => report.UserId == id).OrderBy(report => report.Id).AsAsyncEnumerable().Select(report => ReportResponse.From(report, View.Full)),
        database.StatusChanges.AsNoTracking().Where(change => change.ChangedBy == id).OrderBy(change => change.At).ThenBy(change => change.ReportId)
            .AsAsyncEnumerable().Select(change => new ExportedStatusChange(change.ReportId, change.From, change.To, change.Comment, change.At, change.Kind, change.Fields))));
}
