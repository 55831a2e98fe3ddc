using System.Security.Claims;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

/// <summary>Who sees a visit, and as what: staff of its work order, or the reporter of its appointment.</summary>
internal static class VisitAccess
{
    /// <returns>The visit, and whether the caller sees it as staff; null if there is none, or the caller has no part in it.</returns>
    public static async Task<(Visit Visit, bool IsStaff)?> FindVisitAsync(
        this ReportingDbContext database, Guid id, ClaimsPrincipal user, CancellationToken cancellationToken)
    {
        if (await database.Visits.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } visit)
        {
            return null;
        }

        if (user.IsStaff && await database.WorkOrders.WorkOf(user).AnyAsync(order => order.Id == visit.WorkOrderId, cancellationToken))
        {
            return (visit, true);
        }

        var reporter = user.UserId;
        return await database.Reports.AnyAsync(report => report.Id == visit.ReportId && report.UserId == reporter, cancellationToken) ? (visit, false) : null;
    }

    /// <summary>The same, with the work order locked until the end of the transaction.</summary>
    public static async Task<(WorkOrder Order, Visit Visit, bool IsStaff)?> LockVisitAsync(
        this ReportingDbContext database, Guid id, ClaimsPrincipal user, CancellationToken cancellationToken)
    {
        // A stranger gets no lock.
        if (await database.FindVisitAsync(id, user, cancellationToken) is not var (found, isStaff)
            || await database.LockOrderAsync(found.WorkOrderId, cancellationToken) is not { } order
            || await database.Visits.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } visit)
        {
            return null;
        }

        return (order, visit, isStaff);
    }

    /// <summary>Locks the reports of the work order, and that of the appointment.</summary>
    /// <inheritdoc cref="OrderReports.LockAsync" path="/returns"/>
    public static Task<Dictionary<Guid, Report>?> LockAsync(this OrderReports parts, WorkOrder order, Visit visit, CancellationToken cancellationToken) =>
        parts.LockAsync(order.Id, visit.ReportId is { } report ? [report] : [], cancellationToken);

    /// <summary>The answer to a caller who sees the visit. Its entity tag follows when the version is committed.</summary>
    public static Ok<VisitResponse> AnswerOf(Visit visit, bool isStaff) => TypedResults.Ok(isStaff ? VisitResponse.Of(visit) : VisitResponse.ForReporter(visit));
}
