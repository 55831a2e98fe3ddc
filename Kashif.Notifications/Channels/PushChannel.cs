using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Devices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Channels;

/// <summary>Sends notifications to devices, and removes devices that no longer have the app.</summary>
internal sealed class PushChannel(IServiceScopeFactory scopes, IPushSender sender, IOptions<DeliveryOptions> options) : IDeliveryChannel
{
    private static readonly SendOutcome DeviceRemoved = new(SendResult.Refused, "device_removed");

    public string Name => ChannelNames.Push;

    public int Batch => options.Value.Batch;

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<long> deliveries, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        var sendable = await database.Database
            .SqlQuery<DuePush>($"""
                SELECT delivery.id, device.id AS device_id, notification.id AS notification_id, notification.type,
                    notification.title, notification.body, notification.data::text AS data,
                    device.token, device.device_type
                FROM deliveries delivery
                JOIN notifications notification ON notification.id = delivery.notification_id
                JOIN devices device ON device.id = delivery.device_id AND device.user_id = notification.user_id
                WHERE delivery.id = ANY({deliveries})
                ORDER BY notification.id
                """)
            .ToListAsync(cancellationToken);

        // The query drops deliveries to devices that are removed or registered by another user since. The sender keeps no order, so the
        // second push of a device waits for the first.
        var outcomes = new Dictionary<long, (DuePush Push, SendOutcome Outcome)>();
        foreach (var turn in sendable.GroupBy(push => push.DeviceId).SelectMany(device => device.Index()).GroupBy(push => push.Index, push => push.Item))
        {
            var pushes = turn.ToList();
            var sent = await sender.SendAsync(pushes.ConvertAll(push => push.ToPush()), cancellationToken);
            foreach (var (push, outcome) in pushes.Zip(sent))
            {
                outcomes[push.Id] = (push, outcome);
            }
        }

        var gone = outcomes.Values.Where(entry => entry.Outcome.Result is SendResult.DeviceGone).Select(entry => entry.Push.DeviceId).ToList();
        if (gone.Count > 0)
        {
            await database.Devices.Where(device => gone.Contains(device.Id)).ExecuteDeleteAsync(CancellationToken.None);
        }

        return [.. deliveries.Select(id => outcomes.TryGetValue(id, out var entry) ? entry.Outcome : DeviceRemoved)];
    }

    private sealed record DuePush(
        long Id, Guid DeviceId, Guid NotificationId, string Type, string Title, string Body, string Data, string Token, string DeviceType)
    {
        public Push ToPush() => new(
            NotificationId, Type, Title, Body,
            JsonSerializer.Deserialize(Data, NotificationsJson.Default.DictionaryStringString) ?? [],
            Token, DeviceConfiguration.Parse(DeviceType));
    }
}
