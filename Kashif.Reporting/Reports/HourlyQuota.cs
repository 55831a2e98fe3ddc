using System.Globalization;
using System.Runtime.CompilerServices;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Counts what a holder does in the hour that began with the first, in a table with a row a holder. The upsert locks the row and reads its latest
/// version, so the limit is exact for concurrent requests on any number of replicas.
/// </summary>
internal static class HourlyQuota
{
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    /// <returns>A format that adds one to the quota of the holder {0} at {1}, whose window opened after {2}, up to {3}; no row if it is used up.</returns>
    public static string Use(string table) => $$"""
        INSERT INTO {{table}} AS held (user_id, opened_at, used)
        SELECT {0}, {1}, 1 WHERE {3} > 0
        ON CONFLICT (user_id) DO UPDATE SET
            opened_at = CASE WHEN held.opened_at <= {2} THEN excluded.opened_at ELSE held.opened_at END,
            used = CASE WHEN held.opened_at <= {2} THEN 1 ELSE held.used + 1 END
        WHERE held.used < {3} OR held.opened_at <= {2}
        """;

    /// <param name="perHour">0 means no limit.</param>
    /// <returns>False if the holder is over quota; nothing is written then.</returns>
    public static async Task<bool> TryUseAsync(
        ReportingDbContext database, string table, Guid holder, int perHour, DateTimeOffset now, CancellationToken cancellationToken) =>
        perHour == 0
        || await database.Database.ExecuteSqlAsync(FormattableStringFactory.Create(Use(table), holder, now, now - Window, perHour), cancellationToken) == 1;

    /// <summary>For <c>Retry-After</c>: the seconds until the window ends.</summary>
    public static string RetryAfter(DateTimeOffset opened, DateTimeOffset now) =>
        Math.Max(1, Math.Ceiling((opened + Window - now).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
