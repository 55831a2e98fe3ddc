using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Changes a report's counts of votes, comments and photos. They are no new version of the report: a vote must not make a change by staff,
/// who have read the version before, fail. The ETag has both, so that caches see every change.
/// </summary>
internal static class ReportActivity
{
    /// <summary>Call it in the transaction that adds or removes the vote, comment or photo. It locks the report's row until the commit.</summary>
    /// <param name="votes">How many came, or less than zero for how many went; likewise the others.</param>
    public static Task CountAsync(
        this ReportingDbContext database, Guid reportId, int votes = 0, int comments = 0, int photos = 0, CancellationToken cancellationToken = default) =>
        database.Reports.Where(report => report.Id == reportId).ExecuteUpdateAsync(
            set => set
                .SetProperty(report => report.Votes, report => report.Votes + votes)
                .SetProperty(report => report.Comments, report => report.Comments + comments)
                .SetProperty(report => report.Photos, report => report.Photos + photos)
                .SetProperty(report => report.Activity, report => report.Activity + 1),
            cancellationToken);
}
