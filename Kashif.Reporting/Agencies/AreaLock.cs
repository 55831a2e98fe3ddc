using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Agencies;

/// <summary>Lets one transaction at a time add areas, so that their number is exact and two imports of one file do not meet.</summary>
internal static class AreaLock
{
    /// <summary>Any number that no other lock of the database has.</summary>
    private const long Number = 0x4B61_7368_4172_6561; // "KashArea"

    public static Task TakeAsync(ReportingDbContext database, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Number})", cancellationToken);
}
