using System.Security.Claims;
using System.Text.Json;
using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.WorkOrders;

/// <summary>
/// The reports of a work order that is locked. Each change of them is in their own history, in words for the public. Of reports that are another agency's
/// by now, or that were closed meanwhile, nothing changes.
/// </summary>
internal sealed class OrderReports(ReportingDbContext database, ReportingMetrics metrics, TimeProvider time)
{
    /// <summary>Another request has changed the work order's reports meanwhile.</summary>
    public static Error Changed { get; } = Error.Conflict("work_order_changed", "Another request has just changed this work order. Read it again.");

    private readonly List<ReportStatus> _reached = [];
    private int _kept;

    public Task<List<Guid>> IdsAsync(Guid order, CancellationToken cancellationToken) =>
        database.WorkOrderReports.Where(row => row.WorkOrderId == order).OrderBy(row => row.ReportId).Select(row => row.ReportId).ToListAsync(cancellationToken);

    /// <summary>Locks the work order's reports, and others, in their order.</summary>
    /// <returns>The reports, tracked; null if a merge has meanwhile put another one into the work order.</returns>
    public async Task<Dictionary<Guid, Report>?> LockAsync(Guid order, IEnumerable<Guid> others, CancellationToken cancellationToken)
    {
        var linked = await IdsAsync(order, cancellationToken);
        var locked = await database.LockAsync([.. linked.Union(others)], cancellationToken);
        var now = await IdsAsync(order, cancellationToken);
        if (now.Except(locked.Select(report => report.Id)).Any())
        {
            return null;
        }

        foreach (var report in locked)
        {
            database.Attach(report);
        }

        return locked.ToDictionary(report => report.Id);
    }

    /// <returns>The open work orders, other than <paramref name="order"/>, that reports are in.</returns>
    public Task<Dictionary<Guid, Guid>> InOthersAsync(Guid order, IReadOnlyCollection<Guid> reports, CancellationToken cancellationToken) =>
        database.WorkOrderReports.Where(row => reports.Contains(row.ReportId) && row.Open && row.WorkOrderId != order)
            .ToDictionaryAsync(row => row.ReportId, row => row.WorkOrderId, cancellationToken);

    public void Add(WorkOrder order, Report report, ClaimsPrincipal staff)
    {
        var now = time.GetUtcNow();
        database.WorkOrderReports.Add(new WorkOrderReport { WorkOrderId = order.Id, ReportId = report.Id, Open = order.IsOpen, AddedAt = now });
        Record(report, ChangeKind.WorkOrder, "added", comment: null, staff);
        if (order.IsUnderWay)
        {
            Start([report], staff);
        }
    }

    /// <summary>Adds the entry to the history. The caller deletes the row of the work order.</summary>
    public void RecordRemoved(Report report, ClaimsPrincipal staff) => Record(report, ChangeKind.WorkOrder, "removed", comment: null, staff);

    /// <summary>Work is planned or has begun: new reports are in progress.</summary>
    public void Start(IEnumerable<Report> reports, ClaimsPrincipal staff)
    {
        foreach (var report in reports.Where(report => staff.WorksOn(report) && report.Status is ReportStatus.Submitted or ReportStatus.Verified))
        {
            Advance(report, ReportStatus.InProgress, comment: null, staff);
        }
    }

    /// <summary>The work is done. A report that is in progress is resolved by it; every other one stays as it is.</summary>
    public void Complete(IEnumerable<Report> reports, bool resolved, string? comment, ClaimsPrincipal staff)
    {
        foreach (var report in reports.Where(staff.WorksOn))
        {
            if (report.Status.IsOpen())
            {
                Record(report, ChangeKind.WorkOrder, "completed", comment: null, staff);
            }

            if (resolved && report.Status is ReportStatus.InProgress)
            {
                Advance(report, ReportStatus.Resolved, comment, staff);
            }
        }
    }

    /// <summary>Adds an entry to the report's history.</summary>
    /// <param name="what">Such as <c>added</c>.</param>
    /// <param name="slot">When a visit is; null where the public does not learn it.</param>
    public void Record(Report report, ChangeKind kind, string what, string? comment, ClaimsPrincipal by, (DateTimeOffset StartsAt, DateTimeOffset EndsAt)? slot = null)
    {
        var details = new Dictionary<string, string> { ["event"] = what };
        if (slot is { } times)
        {
            (details["starts_at"], details["ends_at"]) = (Text(times.StartsAt), Text(times.EndsAt));
        }

        database.StatusChanges.Add(report.Record(
            kind, JsonSerializer.SerializeToElement(details, ReportingJson.Default.DictionaryStringString), comment, by.UserId, time.GetUtcNow()));
    }

    /// <summary>After the commit.</summary>
    public void Count()
    {
        foreach (var status in _reached)
        {
            metrics.Changed(status);
        }

        if (_kept > 0)
        {
            metrics.Promised(kept: true, _kept);
        }
    }

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private void Advance(Report report, ReportStatus to, string? comment, ClaimsPrincipal staff)
    {
        foreach (var step in StatusTransitions.Steps(report.Status, to))
        {
            database.Publish(report, report.ChangeStatus(step, duplicateOf: null, step == to ? comment : null, staff.UserId, Actor.Staff, time.GetUtcNow()), byStaff: true);
            _reached.Add(step);
        }

        _kept += report.KeepsPromise ? 1 : 0;
    }
}

/// <summary>The original takes a duplicate's place in its open work order, unless it is in one itself. Its history says so.</summary>
internal sealed class WorkOrderMerge(ReportingDbContext database) : IReportMerge
{
    // An update: an insert would wait for the work order's lock, while the merge holds the reports' (see OrderLock).
    public Task MergedAsync(Guid duplicate, Guid original, CancellationToken cancellationToken) => database.Database.ExecuteSqlAsync($$"""
        WITH moved AS (
            UPDATE work_order_reports AS part SET report_id = {{original}}
            WHERE report_id = {{duplicate}} AND open AND NOT EXISTS (
                SELECT FROM work_order_reports AS other WHERE other.report_id = {{original}} AND (other.open OR other.work_order_id = part.work_order_id))
            RETURNING part.work_order_id
        ), merge AS (
            SELECT changed_by, at FROM status_changes WHERE report_id = {{duplicate}} ORDER BY version DESC LIMIT 1
        ), changed AS (
            UPDATE reports SET version = version + 1, updated_at = greatest(merge.at, updated_at + interval '1 microsecond')
            FROM moved, merge WHERE reports.id = {{original}} RETURNING reports.version, reports.status, reports.updated_at, merge.changed_by
        )
        INSERT INTO status_changes (report_id, version, kind, "from", "to", details, is_public, changed_by, at)
        SELECT {{original}}, version, 'work_order', status, status, '{"event": "added"}'::jsonb, true, changed_by, updated_at FROM changed
        """, cancellationToken);
}
