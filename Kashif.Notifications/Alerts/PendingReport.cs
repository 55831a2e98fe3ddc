using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Kashif.Notifications.Dispatch;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Alerts;

/// <summary>A report near more users with alerts than one transaction tells: <see cref="PendingReportWorker"/> tells the others.</summary>
internal sealed class PendingReport
{
    /// <summary>The event that announced it.</summary>
    public Guid EventId { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>The author, who is not told.</summary>
    public Guid UserId { get; init; }
    public required string Title { get; init; }
    public required string Category { get; init; }
    public double Latitude { get; init; }
    public double Longitude { get; init; }
    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>The last user who was told; the empty id before the first.</summary>
    public Guid LastUserId { get; set; }
}

internal sealed class PendingReportConfiguration : IEntityTypeConfiguration<PendingReport>
{
    public void Configure(EntityTypeBuilder<PendingReport> builder)
    {
        builder.ToTable("pending_reports");
        builder.HasKey(report => report.EventId);
        builder.Property(report => report.EventId).ValueGeneratedNever();
        builder.HasIndex(report => report.UserId);
    }
}

/// <summary>
/// Tells the next users of a report near their places, in batches with the position in the same transaction. Replicas share the work: each takes a
/// report that no other has locked. A report that fails is skipped until the next run, so that it does not hold up the others.
/// </summary>
internal sealed partial class PendingReportWorker(IServiceScopeFactory scopes, TimeProvider time, ILogger<PendingReportWorker> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    private readonly IServiceScopeFactory _scopes = scopes;
    private readonly ILogger _logger = logger;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var failed = new List<Guid>();
        while (await TellNextAsync(failed, cancellationToken))
        {
        }
    }

    /// <param name="failed">The reports to skip. Updated.</param>
    /// <returns>Whether there may be more.</returns>
    private async Task<bool> TellNextAsync(List<Guid> failed, CancellationToken cancellationToken)
    {
        // Of its own: what a failed report leaves in the services must not be written with the next.
        await using var scope = _scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        var database = services.GetRequiredService<NotificationsDbContext>();
        var notifications = services.GetRequiredService<NotificationWriter>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await database.PendingReports
            .FromSql($"SELECT * FROM pending_reports WHERE event_id <> ALL ({failed}) ORDER BY event_id LIMIT 1 FOR UPDATE SKIP LOCKED")
            .SingleOrDefaultAsync(cancellationToken) is not { } report)
        {
            return false;
        }

        try
        {
            if (await services.GetRequiredService<ReportAlerts>().TellAsync([report], cancellationToken) is [])
            {
                database.Remove(report);
            }

            await notifications.CompleteAsync(cancellationToken);
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(CancellationToken.None);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            failed.Add(report.EventId);
            TellFailed(_logger, exception, report.ReportId);
            return true;
        }

        notifications.Committed();
        services.GetRequiredService<AlertWriter>().Committed();
        return true;
    }

    [LoggerMessage(EventId = 6064, Level = LogLevel.Warning, Message = "Telling users of the report {ReportId} near their places failed; trying again")]
    private static partial void TellFailed(ILogger logger, Exception exception, Guid reportId);
}
