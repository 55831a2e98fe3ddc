using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Duplicates;

/// <summary>The reporters of its duplicates may reopen the original that is said to be fixed and is not.</summary>
internal sealed class DuplicateReopening(ReportingDbContext database) : IReopenRight
{
    public Task<bool> MayReopenAsync(Guid userId, Guid reportId, CancellationToken cancellationToken) =>
        database.Reports.AnyAsync(report => report.DuplicateOf == reportId && report.UserId == userId, cancellationToken);
}
