using Kashif.Messaging.Outbox;
using Kashif.Messaging.RabbitMq;
using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Sending;

/// <summary>Wakes this process's worker after a message to a topic is stored.</summary>
internal sealed class SendSignal : WakeSignal;

/// <summary>
/// Writes the notifications of scheduled messages and of topics. Any number of replicas share the work; a crash loses at most the
/// transaction in progress, which another replica repeats from the same user on.
/// </summary>
internal sealed partial class SendWorker(
    IServiceScopeFactory scopes, SendSignal signal, TimeProvider time, IOptions<Delivery.DeliveryOptions> options, ILogger<SendWorker> logger) : BackgroundService
{
    private readonly Backoff _backoff = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await StepAsync(stoppingToken))
                {
                }

                _backoff.Reset();
                await signal.WaitAsync(options.Value.Poll, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                StepFailed(logger, exception);
                await _backoff.WaitAsync(stoppingToken);
            }
        }
    }

    private async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<SendService>().StepAsync(cancellationToken);
    }

    [LoggerMessage(EventId = 6013, Level = LogLevel.Warning, Message = "A message could not be sent to its users; trying again")]
    private static partial void StepFailed(ILogger logger, Exception exception);
}

/// <summary>Forgets messages, and with them their <c>request_id</c>, seven days after they ended.</summary>
internal sealed class SendCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<SendCleanup> logger) : HourlyService(scopes, time, logger)
{
    private static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - Retention;
        await services.GetRequiredService<NotificationsDbContext>().SendRequests
            .Where(request => request.DueAt < before && request.Status != SendStatus.Scheduled && request.Status != SendStatus.Accepted)
            .ExecuteDeleteAsync(cancellationToken);
    }
}
