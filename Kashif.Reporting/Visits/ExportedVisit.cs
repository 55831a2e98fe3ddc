using Kashif.Reporting.Data;
using Kashif.Reporting.WorkOrders;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

internal sealed record ExportedVisit(Guid Id, Guid? ReportId, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string State, DateTimeOffset CreatedAt)
{
    /// <summary>The appointments of a user's reports. No join, for which the planner may read all visits.</summary>
    public static IAsyncEnumerable<ExportedVisit> Of(ReportingDbContext database, Guid userId) =>
        database.Visits.FromSql($"SELECT * FROM visits WHERE report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {userId}))").AsNoTracking()
            .AsAsyncEnumerable().OrderBy(visit => visit.Id)
            .Select(visit => new ExportedVisit(visit.Id, visit.ReportId, visit.StartsAt, visit.EndsAt, visit.State.WireName(), visit.CreatedAt));
}
