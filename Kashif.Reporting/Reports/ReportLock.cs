using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>Lets one request at a time change what belongs to a report, so that its counts are exact and a merge misses no vote.</summary>
internal static class ReportLock
{
    /// <summary>Locks the report's row until the end of the transaction, and reads it as it is then.</summary>
    public static Task<Report?> LockAsync(this ReportingDbContext database, Guid reportId, CancellationToken cancellationToken) =>
        database.Reports.FromSql($"SELECT * FROM reports WHERE id = {reportId} FOR NO KEY UPDATE").AsNoTracking().SingleOrDefaultAsync(cancellationToken);

    /// <summary>Locks several, in one order everywhere: two transactions wait for each other instead of deadlocking.</summary>
    public static Task<List<Report>> LockAsync(this ReportingDbContext database, Guid[] reportIds, CancellationToken cancellationToken) =>
        database.Reports.FromSql($"SELECT * FROM reports WHERE id = ANY ({reportIds}) ORDER BY id FOR NO KEY UPDATE").AsNoTracking().ToListAsync(cancellationToken);
}
