using System.Security.Claims;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>Reads a report for a user. A report that the user may not see is the same as none.</summary>
internal static class ReportLookup
{
    /// <returns>The report, and what the user may see of it; null for none.</returns>
    public static async Task<(Report Report, View View)?> FindVisibleAsync(
        this ReportingDbContext database, Guid id, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        VisibleTo(user, await database.Reports.AsNoTracking().FirstOrDefaultAsync(report => report.Id == id, cancellationToken));

    /// <summary>The same, with the report locked until the end of the transaction.</summary>
    /// <inheritdoc cref="FindVisibleAsync" path="/returns"/>
    public static async Task<(Report Report, View View)?> LockVisibleAsync(
        this ReportingDbContext database, Guid id, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        VisibleTo(user, await database.LockAsync(id, cancellationToken));

    private static (Report Report, View View)? VisibleTo(ClaimsPrincipal user, Report? report) =>
        report is not null && user.ViewOf(report) is var view and not View.None ? (report, view) : null;
}
