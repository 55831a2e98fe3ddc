using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Marks each open report once when its promise is missed, and publishes <see cref="ReportOverdue"/> in the same transaction. Replicas
/// share the work: each takes rows that no other has locked.
/// </summary>
internal sealed class OverdueMarking(
    IServiceScopeFactory scopes, ReportingMetrics metrics, TimeProvider time, IOptions<ReportingOptions> options, ILogger<OverdueMarking> logger)
    : PeriodicService(scopes, options.Value.OverdueInterval, time, logger)
{
    /// <summary>The filter of the indexes of the overdue list: open reports with a promise.</summary>
    public const string Expected = $"expected_at IS NOT NULL AND {ReportStatuses.OpenSql}";

    /// <summary>The filter of the marking's index: reports that can still become overdue.</summary>
    public const string Open = $"expected_at IS NOT NULL AND overdue_at IS NULL AND {ReportStatuses.OpenSql}";

    /// <summary>Reports that a version has filed that knew no promise: the service level is theirs.</summary>
    public const string WithoutPromise = "expected_at IS NULL AND due_at IS NOT NULL";

    /// <summary>Promises the service level for reports that have no promise yet. The migration runs it, and each pass, for the processes that a roll-out replaces last.</summary>
    public const string PromiseSql = $"UPDATE reports SET expected_at = due_at, activity = activity + 1 WHERE {WithoutPromise}";

    private const int Batch = 500;

    /// <summary>The reports to mark; the arguments are the time now and the size of a batch.</summary>
    public const string Due = $"SELECT id FROM reports WHERE {Open} AND expected_at <= {{0}} ORDER BY expected_at LIMIT {{1}} FOR UPDATE SKIP LOCKED";

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        await database.Database.ExecuteSqlRawAsync(PromiseSql, cancellationToken);
        while (await MarkAsync(database, cancellationToken) == Batch)
        {
            database.ChangeTracker.Clear();
        }
    }

    /// <returns>The number of reports marked.</returns>
    private async Task<int> MarkAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var overdue = await database.Reports
            .FromSqlRaw($"UPDATE reports SET overdue_at = {{0}} WHERE id = ANY (ARRAY({Due})) RETURNING *", now, Batch)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        foreach (var report in overdue)
        {
            database.Publish(new ReportOverdue(report.Id, report.UserId, report.Title, report.Category, report.ExpectedAt ?? now), now);
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        metrics.Overdue(overdue.Count);
        metrics.Promised(kept: false, overdue.Count);
        return overdue.Count;
    }
}
