using Kashif.Reporting.Data;
using Kashif.Reporting.WorkOrders;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

internal sealed record ExportedVisit(Guid Id, Guid? ReportId, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string State, DateTimeOffset CreatedAt)
{
    /// <summary>The appointments of a user's reports.</summary>
    public static IAsyncEnumerable<ExportedVisit> Of(ReportingDbContext database, Guid userId) =>
        database.Visits.AsNoTracking().Where(visit => database.Reports.Any(report => report.Id == visit.ReportId && report.UserId == userId))
            .OrderBy(visit => visit.Id).AsAsyncEnumerable()
            .Select(visit => new ExportedVisit(visit.Id, visit.ReportId, visit.StartsAt, visit.EndsAt, visit.State.WireName(), visit.CreatedAt));
}
