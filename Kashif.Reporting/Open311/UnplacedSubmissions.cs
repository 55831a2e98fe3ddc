using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>Which requests wait to become reports of a category.</summary>
internal static class UnplacedSubmissions
{
    /// <returns>The ids of some of the requests.</returns>
    public static Task<List<Guid>> UsingAsync(ReportingDbContext database, string category, int most, CancellationToken cancellationToken) =>
        database.Open311Submissions.Where(row => row.ReportId == null && row.ServiceCode == category).OrderBy(row => row.Id).Select(row => row.Id).Take(most).ToListAsync(cancellationToken);
}
