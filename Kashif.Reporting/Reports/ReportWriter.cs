using System.Globalization;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Inserts a new report, its event and its use of the author's quota in one statement. The upsert locks the quota row and reads
/// its latest version, so the limit is exact for concurrent requests on any number of replicas, in a single round trip.
/// </summary>
internal sealed class ReportWriter(ReportingDbContext database, IOptions<ReportingOptions> options)
{
    /// <returns>False if the author is over quota; nothing is written then.</returns>
    public async Task<bool> TryInsertAsync(Report report, CancellationToken cancellationToken)
    {
        var limit = options.Value.ReportsPerHour;
        var now = report.CreatedAt;
        var message = new ReportCreated(report.Id, report.UserId, report.Title, report.Category, report.Latitude, report.Longitude).ToOutboxMessage(now);

        var inserted = await database.Database.ExecuteSqlAsync($"""
            WITH quota AS (
                INSERT INTO report_quotas AS held (user_id, opened_at, used)
                SELECT {report.UserId}, {now}, 1 WHERE {limit} > 0
                ON CONFLICT (user_id) DO UPDATE SET
                    opened_at = CASE WHEN held.opened_at <= {now - ReportQuota.Window} THEN excluded.opened_at ELSE held.opened_at END,
                    used = CASE WHEN held.opened_at <= {now - ReportQuota.Window} THEN 1 ELSE held.used + 1 END
                WHERE held.used < {limit} OR held.opened_at <= {now - ReportQuota.Window}
                RETURNING user_id
            ), report AS (
                INSERT INTO reports (
                    id, user_id, title, description, category, status,
                    latitude, longitude, address, created_at, updated_at, version)
                SELECT
                    {report.Id}, {report.UserId}, {report.Title}, {report.Description}, {report.Category}, {report.Status.WireName()},
                    {report.Latitude}, {report.Longitude}, {report.Address}, {report.CreatedAt}, {report.UpdatedAt}, {report.Version}
                WHERE {limit} = 0 OR EXISTS (SELECT FROM quota)
            )
            INSERT INTO outbox (id, type, subject, trace_parent, correlation_id, payload, occurred_at)
            SELECT
                {message.Id}, {message.Type}, {message.Subject}, {message.TraceParent}, {message.CorrelationId}, {message.Payload}::jsonb, {message.OccurredAt}
            WHERE {limit} = 0 OR EXISTS (SELECT FROM quota)
            """, cancellationToken);
        return inserted == 1;
    }

    /// <summary>For <c>Retry-After</c>: the seconds until the author's window ends.</summary>
    public async Task<string> RetryAfterAsync(Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var opened = await database.ReportQuotas.Where(quota => quota.UserId == userId).Select(quota => quota.OpenedAt).FirstAsync(cancellationToken);
        var seconds = Math.Max(1, Math.Ceiling((opened + ReportQuota.Window - now).TotalSeconds));
        return seconds.ToString(CultureInfo.InvariantCulture);
    }
}
