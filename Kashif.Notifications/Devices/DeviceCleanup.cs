using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Devices;

/// <summary>Deletes devices that have not registered for so long that FCM counts their tokens as expired.</summary>
/// <remarks>https://firebase.google.com/docs/cloud-messaging/manage-tokens</remarks>
internal sealed class DeviceCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<DeviceCleanup> logger) : HourlyService(scopes, time, logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(270);

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - Lifetime;
        await services.GetRequiredService<NotificationsDbContext>().Devices.Where(device => device.RegisteredAt < before).ExecuteDeleteAsync(cancellationToken);
    }
}
