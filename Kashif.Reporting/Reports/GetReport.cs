using Kashif.Http;
using Kashif.Reporting.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

internal static class GetReport
{
    private static readonly Func<ReportingDbContext, Guid, CancellationToken, Task<Report?>> ById = EF.CompileAsyncQuery(
        (ReportingDbContext database, Guid id, CancellationToken _) => database.Reports.AsNoTracking().FirstOrDefault(report => report.Id == id));

    /// <param name="id">The report's id.</param>
    public static async Task<Results<Ok<ReportResponse>, StatusCodeHttpResult, ProblemHttpResult>> HandleAsync(
        Guid id, HttpContext http, ReportingDbContext database, IReportAnswers questions, CancellationToken cancellationToken)
    {
        if (await ById(database, id, cancellationToken) is not { } report || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        // Public but always revalidated, so that a status change is visible at once. What only some may see is for them alone.
        var view = http.User.ViewOf(report);
        var answers = await questions.ReadAsync(database, report, view, cancellationToken);
        var seesOriginal = await database.MaySeeOriginalAsync(report, http.User, cancellationToken);
        var isPersonal = answers.ArePersonal || view.IsPersonal(report) || (report.OriginalHidden && seesOriginal);
        var tag = ReportETag.Of(report, isPersonal);
        http.Response.Headers.ETag = tag.ToString();
        http.Response.Headers.CacheControl = isPersonal ? "private, no-cache" : "public, no-cache";
        return VersionETag.Matches(http.Request.Headers.IfNoneMatch, tag, strong: false)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(ReportResponse.From(report, view, seesOriginal: seesOriginal) with { Answers = answers.Values });
    }
}
