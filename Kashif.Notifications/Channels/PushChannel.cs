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
                """)
            .ToListAsync(cancellationToken);

        // The query drops deliveries to devices that are removed or registered by another user since.
        IReadOnlyList<SendOutcome> sent = sendable.Count > 0 ? await sender.SendAsync(sendable.ConvertAll(push => push.ToPush()), cancellationToken) : [];
        var outcomes = sendable.Zip(sent, (push, outcome) => (Push: push, Outcome: outcome)).ToDictionary(entry => entry.Push.Id);

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
