using System.Linq.Expressions;
using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>Deletes deliveries that ended long ago, whatever their outcome.</summary>
internal sealed class DeliveryCleanup(
    IServiceScopeFactory scopes, IOptions<DeliveryOptions> options, TimeProvider time, ILogger<DeliveryCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        // An ended delivery keeps the time of the attempt that would have followed.
        var before = _time.GetUtcNow() - options.Value.Retention;
        return services.GetRequiredService<NotificationsDbContext>().Deliveries
            .Where(EndedBefore(before))
            .ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>Deliveries that ended before a time.</summary>
    public static Expression<Func<ChannelDelivery, bool>> EndedBefore(DateTimeOffset before) =>
        delivery => (delivery.State == DeliveryState.Sent || delivery.State == DeliveryState.Delivered || delivery.State == DeliveryState.Dead) && delivery.NextAttemptAt < before;
}
