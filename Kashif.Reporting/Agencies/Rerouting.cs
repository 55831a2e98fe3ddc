using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Agencies;

/// <summary>
/// After a change of areas, finds the areas of all reports and the agencies of open ones again, in batches with the position in the same transaction. A report
/// that is closed, or that staff routed by hand, keeps its agency. Replicas share the work: each takes a change that no other has locked.
/// </summary>
internal sealed class Rerouting(IServiceScopeFactory scopes, AgencyRouting routing, TimeProvider time, ILogger<Rerouting> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    private const int Batch = 500;

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        while (await RouteBatchAsync(database, cancellationToken))
        {
            database.ChangeTracker.Clear();
        }
    }

    /// <returns>Whether there may be more.</returns>
    private async Task<bool> RouteBatchAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await database.RoutingChanges.FromSql($"SELECT * FROM routing_changes WHERE start_at <= {now} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
            .SingleOrDefaultAsync(cancellationToken) is not { } change)
        {
            return false;
        }

        var map = await routing.ReadAsync(database, cancellationToken);
        var rows = await database.Reports.AsNoTracking().Where(report => report.Id > change.LastReportId).OrderBy(report => report.Id).Take(Batch).ToListAsync(cancellationToken);
        if (rows.Where(report => IsMoved(report, map.RouteOf(report))).Select(report => report.Id).ToArray() is { Length: > 0 } moved)
        {
            await database.LockAsync(moved, cancellationToken);
            foreach (var report in await database.Reports.Where(report => moved.Contains(report.Id)).ToListAsync(cancellationToken)) // as they are now
            {
                var former = (report.AgencyId, report.AssigneeId);
                if (report.Route(map.RouteOf(report), report.RoutedByHand, comment: null, change.ChangedBy, now) is { } entry)
                {
                    database.StatusChanges.Add(entry);
                    database.PublishRoute(report, former, entry);
                }
            }
        }

        change.LastReportId = rows.Count > 0 ? rows[^1].Id : change.LastReportId;
        if (rows.Count < Batch)
        {
            database.Remove(change);
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static bool IsMoved(Report report, ReportRoute route) => (report.AreaId, report.AgencyId) != (route.AreaId, route.AgencyId);
}
