using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Promises;

/// <summary>
/// Measures how long reports took to be resolved, by category and area. A report counts with its final resolution: one that was reopened and resolved again
/// counts once, and one that is open again does not count. All replicas run it; each measurement is complete, and one at a time is written.
/// </summary>
internal sealed class PromiseMeasurement(IServiceScopeFactory scopes, TimeProvider time, IOptions<PromiseOptions> options, ILogger<PromiseMeasurement> logger)
    : PeriodicService(scopes, options.Value.Interval, time, logger)
{
    /// <summary>The final resolution of a report that is resolved: for a <c>LATERAL</c> join with <c>reports</c>.</summary>
    public const string FinalResolution = """
        SELECT max(change.at) AS at FROM status_changes AS change
        WHERE change.report_id = reports.id AND change.to = 'resolved' AND change.from <> 'resolved'
        """;

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        var now = _time.GetUtcNow();
        var (since, percentile, least) = (now.AddDays(-options.Value.Days), options.Value.Percentile, options.Value.MinReports);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtext('promises'))", cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            WITH resolved AS (
                SELECT reports.category, reports.area_id, extract(epoch FROM max(change.at) - reports.created_at)::float8 / 3600 AS hours
                FROM status_changes AS change JOIN reports ON reports.id = change.report_id
                WHERE change.at >= {since} AND change.to = 'resolved' AND change.from <> 'resolved' AND reports.status = 'resolved'
                GROUP BY reports.id
            ), measured AS (
                SELECT category, CASE WHEN grouping(area_id) = 1 THEN {Promise.AllAreas} ELSE area_id END AS area_id,
                    percentile_disc({percentile}) WITHIN GROUP (ORDER BY hours) AS hours, count(*)::int AS reports
                FROM resolved GROUP BY GROUPING SETS ((category), (category, area_id))
                HAVING count(*) >= {least} AND (grouping(area_id) = 1 OR area_id IS NOT NULL)
            ), gone AS (
                DELETE FROM promises WHERE NOT EXISTS (SELECT FROM measured WHERE measured.category = promises.category AND measured.area_id = promises.area_id)
            )
            INSERT INTO promises (category, area_id, hours, reports, measured_at) SELECT category, area_id, hours, reports, {now} FROM measured
            ON CONFLICT (category, area_id) DO UPDATE SET hours = excluded.hours, reports = excluded.reports, measured_at = excluded.measured_at
            """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
