using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting;

/// <param name="StatusChanges">The user's changes to own and other reports.</param>
/// <param name="Photos">The photos that the user has uploaded.</param>
internal sealed record UserReports(IAsyncEnumerable<ReportResponse> Reports, IAsyncEnumerable<ExportedStatusChange> StatusChanges, IAsyncEnumerable<ExportedPhoto> Photos);

internal sealed record ExportedStatusChange(Guid ReportId, ReportStatus From, ReportStatus To, string? Comment, DateTimeOffset At);

internal static class ReportExport
{
    public static void MapReportExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(Export);

    private static Ok<UserReports> Export(Guid id, ReportingDbContext database) => TypedResults.Ok(new UserReports(
        database.Reports.AsNoTracking().Where(report => report.UserId == id).OrderBy(report => report.Id).AsAsyncEnumerable().Select(report => ReportResponse.From(report, View.Full)),
        database.StatusChanges.AsNoTracking().Where(change => change.ChangedBy == id).OrderBy(change => change.At).ThenBy(change => change.ReportId)
            .AsAsyncEnumerable().Select(change => new ExportedStatusChange(change.ReportId, change.From, change.To, change.Comment, change.At)),
        database.Photos.AsNoTracking().Where(photo => photo.UserId == id && photo.State == PhotoState.Attached).OrderBy(photo => photo.Id)
            .AsAsyncEnumerable().Select(ExportedPhoto.From)));
}
