using System.Diagnostics;
using Kashif.Messaging.Events;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Webhooks;

/// <summary>
/// Sends the deliveries that are due. Replicas share the work: each takes deliveries that no other has locked, with a lease, and sends them outside
/// the transaction. What a killed process had taken is sent again when the lease ends.
/// </summary>
internal sealed class WebhookWorker(
    IServiceScopeFactory scopes, WebhookClient client, IOptions<WebhookOptions> options, TimeProvider time, ILogger<WebhookWorker> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    /// <summary>How many deliveries of a webhook are sent at a time.</summary>
    private const int Batch = 8;

    /// <summary>Longer than a try, so that a delivery is sent twice only after a crash.</summary>
    private static readonly TimeSpan Lease = 6 * WebhookClient.Timeout;

    /// <summary>A webhook that answers slowly delays the others no longer.</summary>
    private static readonly TimeSpan Pass = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    private readonly IServiceScopeFactory _scopes = scopes;
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var database = services.GetRequiredService<ReportingDbContext>();
        var due = await database.Webhooks.AsNoTracking()
            .Where(webhook => database.WebhookDeliveries.Any(delivery => delivery.WebhookId == webhook.Id && delivery.Status == DeliveryStatus.Pending && delivery.NextAttemptAt <= now))
            .ToListAsync(cancellationToken);
        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken }, SendAllAsync);
    }

    private async ValueTask SendAllAsync(Webhook webhook, CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Pass && await ClaimAsync(database, webhook.Id, cancellationToken) is { Count: > 0 } deliveries)
        {
            // A report may have been hidden since, or the original of a duplicate hidden, deleted or replaced.
            var ids = deliveries.Select(delivery => delivery.ReportId).ToArray();
            var originals = await database.Reports.Public().Where(report => ids.Contains(report.Id))
                .Select(report => new { report.Id, Original = report.OriginalHidden ? null : report.DuplicateOf })
                .ToDictionaryAsync(report => report.Id, report => report.Original, cancellationToken);
            var refused = deliveries.Where(delivery => !MaySend(delivery, originals)).Select(delivery => delivery.Id).ToArray();
            await database.WebhookDeliveries.Where(delivery => refused.Contains(delivery.Id)).ExecuteDeleteAsync(cancellationToken);

            var sent = deliveries.Where(delivery => !refused.Contains(delivery.Id)).ToList();
            var errors = await Task.WhenAll(sent.Select(delivery => client.SendAsync(webhook, delivery, cancellationToken)));
            foreach (var (delivery, error) in sent.Zip(errors))
            {
                await FinishAsync(database, delivery, error, CancellationToken.None);
            }
        }
    }

    /// <param name="originals">The public originals of the public reports.</param>
    private static bool MaySend(WebhookDelivery delivery, Dictionary<Guid, Guid?> originals) =>
        delivery.Type == ReportDeleted.Type
        || (originals.TryGetValue(delivery.ReportId, out var original)
            && (delivery.Type != ReportMerged.Type || (original is { } id && delivery.Payload.Contains(id.ToString(), StringComparison.Ordinal))));

    /// <summary>Takes the deliveries that are due, of each report the oldest that is not done.</summary>
    private Task<List<WebhookDelivery>> ClaimAsync(ReportingDbContext database, Guid webhook, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        return database.WebhookDeliveries.FromSql($"""
            WITH taken AS (
                SELECT due.id FROM webhook_deliveries AS due
                WHERE due.webhook_id = {webhook} AND due.status = 'pending' AND due.next_attempt_at <= {now} AND NOT EXISTS (
                    SELECT FROM webhook_deliveries AS earlier
                    WHERE earlier.webhook_id = due.webhook_id AND earlier.report_id = due.report_id AND earlier.status = 'pending'
                        AND (earlier.occurred_at, earlier.id) < (due.occurred_at, due.id))
                ORDER BY due.next_attempt_at LIMIT {Batch} FOR UPDATE SKIP LOCKED)
            UPDATE webhook_deliveries AS delivery SET attempts = delivery.attempts + 1, next_attempt_at = {now + Lease}
            FROM taken WHERE delivery.id = taken.id
            RETURNING delivery.*
            """).AsNoTracking().ToListAsync(cancellationToken);
    }

    /// <summary>Notes the result, unless the lease has ended and another process has taken the delivery.</summary>
    private async Task FinishAsync(ReportingDbContext database, WebhookDelivery delivery, string? error, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var taken = database.WebhookDeliveries.Where(row => row.Id == delivery.Id && row.Attempts == delivery.Attempts && row.Status == DeliveryStatus.Pending);
        if (error is null)
        {
            await taken.ExecuteUpdateAsync(
                set => set.SetProperty(row => row.Status, DeliveryStatus.Delivered).SetProperty(row => row.DeliveredAt, now).SetProperty(row => row.LastError, (string?)null),
                cancellationToken);
            return;
        }

        var status = now >= delivery.GiveUpAt ? DeliveryStatus.Dead : DeliveryStatus.Pending;
        var next = now + Delay(delivery.Attempts);
        await taken.ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Status, status).SetProperty(row => row.NextAttemptAt, next).SetProperty(row => row.LastError, error), cancellationToken);
    }

    /// <summary>Doubles at each try. A random part of it, so that the deliveries of an outage do not come all at once.</summary>
    private TimeSpan Delay(int attempts)
    {
        var longest = options.Value.FirstRetry * Math.Pow(2, Math.Min(attempts - 1, 30));
        return (longest < LongestDelay ? longest : LongestDelay) * (0.5 + (Random.Shared.NextDouble() / 2));
    }
}

/// <summary>Deletes old deliveries.</summary>
internal sealed class WebhookCleanup(IServiceScopeFactory scopes, IOptions<WebhookOptions> options, TimeProvider time, ILogger<WebhookCleanup> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var oldest = _time.GetUtcNow() - options.Value.KeepDeliveriesFor;
        await services.GetRequiredService<ReportingDbContext>().WebhookDeliveries
            .Where(delivery => delivery.CreatedAt < oldest && delivery.Status != DeliveryStatus.Pending).ExecuteDeleteAsync(cancellationToken);
    }
}
