using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

/// <summary>The lists of visits, for staff and for reporters, and single visits.</summary>
internal static class ReadVisits
{
    public static Task<Results<Ok<Page<VisitResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] VisitQuery query, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var agency = http.User.AgencyIdOrNull;
        var visits = database.Visits
            .Where(visit => database.WorkOrders.Any(order => order.Id == visit.WorkOrderId
                && (agency == null || order.AgencyId == agency) && (query.Agency == null || order.AgencyId == query.Agency)));

        // Not the words of a private or hidden report that is another agency's by now: a guess that finds its visit would be confirmed.
        var readable = database.Reports.Where(report => agency == null || report.AgencyId == agency || !(report.Private || report.Hidden));
        foreach (var pattern in SearchWords.Patterns(query.Query))
        {
            var titled = readable.Where(report => EF.Functions.ILike(report.Title, pattern, @"\"));
            visits = visits.Where(visit => database.WorkOrders.Any(order => order.Id == visit.WorkOrderId && EF.Functions.ILike(order.Title, pattern, @"\"))
                || titled.Any(report => report.Id == visit.ReportId)
                || database.WorkOrderReports.Any(part => part.WorkOrderId == visit.WorkOrderId && titled.Any(report => report.Id == part.ReportId)));
        }

        return PageAsync(visits, page, query, VisitResponse.Of, cancellationToken);
    }

    public static Task<Results<Ok<Page<VisitResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var visits = database.Visits.Where(visit => database.Reports.Any(report => report.Id == visit.ReportId && report.UserId == user));
        return PageAsync(visits, page, new VisitQuery(), VisitResponse.ForReporter, cancellationToken);
    }

    /// <param name="id">The visit's id.</param>
    public static async Task<Results<Ok<VisitResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.FindVisitAsync(id, http.User, cancellationToken) is not var (visit, isStaff))
        {
            return VisitErrors.NotFound.ToProblem();
        }

        http.SendVersion(visit.Version);
        return VisitAccess.AnswerOf(visit, isStaff);
    }

    /// <param name="id">The visit's id.</param>
    public static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) =>
        await database.FindVisitAsync(id, http.User, cancellationToken) is (_, true)
            ? await database.AuditEntries.Where(entry => entry.SubjectId == id && entry.Kind == "visit").ToPageAsync(page, cancellationToken)
            : VisitErrors.NotFound.ToProblem();

    private static async Task<Results<Ok<Page<VisitResponse>>, ValidationProblem>> PageAsync(
        IQueryable<Visit> visits, PageRequest page, VisitQuery query, Func<Visit, VisitResponse> response, CancellationToken cancellationToken)
    {
        var (at, after) = (DateTimeOffset.MinValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out at, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var state = query.State is null ? null : States.Parse<VisitState>(query.State);
        if (query.State is not null && state is null)
        {
            return Error.Field("state", Localized.Format($"Must be one of {States.Names<VisitState>()}."));
        }

        at = at.ToUniversalTime();
        var (from, to) = (query.From?.ToUniversalTime(), query.To?.ToUniversalTime());
        var rows = await visits.AsNoTracking()
            .Where(visit => (page.Cursor == null || visit.StartsAt > at || (visit.StartsAt == at && visit.Id > after))
                && (query.Crew == null || visit.CrewId == query.Crew)
                && (query.Vehicle == null || visit.VehicleId == query.Vehicle)
                && (query.WorkOrder == null || visit.WorkOrderId == query.WorkOrder)
                && (query.Report == null || visit.ReportId == query.Report)
                && (from == null || visit.EndsAt > from)
                && (to == null || visit.StartsAt < to)
                && (state == null || visit.State == state))
            .OrderBy(visit => visit.StartsAt).ThenBy(visit => visit.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, response, last => Cursor.Encode(last.StartsAt, last.Id)));
    }
}
