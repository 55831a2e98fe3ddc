using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Marks each open report once when its date has passed, and publishes <see cref="ReportOverdue"/> in the same transaction. Replicas
/// share the work: each takes rows that no other has locked.
/// </summary>
internal sealed class OverdueMarking(
    IServiceScopeFactory scopes, ReportingMetrics metrics, TimeProvider time, IOptions<ReportingOptions> options, ILogger<OverdueMarking> logger)
    : PeriodicService(scopes, options.Value.OverdueInterval, time, logger)
{
    /// <summary>The filter of the index: reports that can still become overdue.</summary>
    public const string Open = $"due_at IS NOT NULL AND overdue_at IS NULL AND {ReportStatuses.OpenSql}";

    private const int Batch = 500;

    /// <summary>The reports to mark; the arguments are the time now and the size of a batch.</summary>
    public const string Due = $"SELECT id FROM reports WHERE {Open} AND due_at <= {{0}} ORDER BY due_at LIMIT {{1}} FOR UPDATE SKIP LOCKED";

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
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
            database.Publish(new ReportOverdue(report.Id, report.UserId, report.Title, report.Category, report.DueAt ?? now), now);
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        metrics.Overdue(overdue.Count);
        return overdue.Count;
    }
}
