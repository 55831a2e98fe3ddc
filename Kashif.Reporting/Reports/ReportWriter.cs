using System.Runtime.CompilerServices;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Inserts a new report, its event and its use of the author's quota in one statement. The upsert locks the quota row and reads
/// its latest version, so the limit is exact for concurrent requests on any number of replicas, in a single round trip.
/// </summary>
internal sealed class ReportWriter(ReportColumns columns)
{
    private const string Table = "report_quotas";

    private readonly string _insert = Insert(columns);

    /// <param name="allowance">The quota against which it counts.</param>
    /// <returns>False if the holder is over quota; nothing is written then.</returns>
    public async Task<bool> TryInsertAsync(ReportingDbContext database, Report report, Allowance allowance, CancellationToken cancellationToken)
    {
        var now = report.UpdatedAt; // see AppearAt
        var message = new ReportCreated(
            report.Id, report.UserId, report.Title, report.Category, report.Latitude, report.Longitude, report.Private, report.Anonymous).ToOutboxMessage(now);

        object?[] values =
        [
            allowance.HolderId, now, now - HourlyQuota.Window, allowance.PerHour,
            message.Id, message.Type, message.Subject, message.TraceParent, message.CorrelationId, message.Payload, message.OccurredAt,
            .. columns.ValuesOf(report), // from {11}
        ];
        return await database.Database.ExecuteSqlAsync(FormattableStringFactory.Create(_insert, values), cancellationToken) == 1;
    }

    /// <summary>Uses the quota without a report.</summary>
    /// <returns>False if the holder is over quota.</returns>
    public static Task<bool> TryUseAsync(ReportingDbContext database, Allowance allowance, DateTimeOffset now, CancellationToken cancellationToken) =>
        HourlyQuota.TryUseAsync(database, Table, allowance.HolderId, allowance.PerHour, now, cancellationToken);

    /// <summary>For <c>Retry-After</c>: the seconds until the author's window ends.</summary>
    public async Task<string> RetryAfterAsync(ReportingDbContext database, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var opened = await database.ReportQuotas.Where(quota => quota.UserId == userId).Select(quota => quota.OpenedAt).FirstAsync(cancellationToken);
        return HourlyQuota.RetryAfter(opened, now);
    }

    /// <returns>A format, whose arguments are the values above.</returns>
    private static string Insert(ReportColumns columns)
    {
        const string Limit = "{3}";
        return $$"""
            WITH quota AS (
                {{HourlyQuota.Use(Table)}}
                RETURNING user_id
            ), report AS (
                INSERT INTO reports ({{columns.Names}})
                SELECT {{string.Join(", ", Enumerable.Range(11, columns.Count).Select(index => $"{{{index}}}"))}}
                WHERE {{Limit}} = 0 OR EXISTS (SELECT FROM quota)
            )
            INSERT INTO outbox (id, type, subject, trace_parent, correlation_id, payload, occurred_at)
            SELECT {4}, {5}, {6}, {7}, {8}, {9}::jsonb, {10}
            WHERE {{Limit}} = 0 OR EXISTS (SELECT FROM quota)
            """;
    }
}
