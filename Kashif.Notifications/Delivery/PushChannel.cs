using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>Sends notifications to devices, and removes devices that no longer have the app.</summary>
internal sealed class PushChannel(IServiceScopeFactory scopes, IPushSender sender, TemplateRenderer renderer, IOptions<DeliveryOptions> options) : IDeliveryChannel
{
    private static readonly SendOutcome LeaseEnded = new(SendResult.Retry, "lease_ended");
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
                    notification.template_code, notification.variables::text AS variables, notification.title, notification.body,
                    notification.data::text AS data, recipient.language, device.token, device.device_type,
                    delivery.priority, delivery.expires_at
                FROM deliveries delivery
                JOIN notifications notification ON notification.id = delivery.notification_id
                JOIN devices device ON device.id = delivery.device_id AND device.user_id = notification.user_id
                LEFT JOIN recipients recipient ON recipient.user_id = notification.user_id
                WHERE delivery.id = ANY({deliveries})
                ORDER BY notification.id
                """)
            .ToListAsync(cancellationToken);

        await renderer.FindNewAsync(sendable.Select(push => push.TemplateCode), cancellationToken);

        // The query skips devices that were removed or now belong to another user. The sender keeps no order, so the second push of a
        // device waits for the first, and does not overtake it if that fails.
        var outcomes = new Dictionary<long, (DuePush Push, SendOutcome Outcome)>();
        var stopped = new Dictionary<Guid, SendOutcome>();
        foreach (var turn in sendable.GroupBy(push => push.DeviceId).SelectMany(device => device.Index()).GroupBy(push => push.Index, push => push.Item))
        {
            var pushes = turn.Where(push => !stopped.ContainsKey(push.DeviceId)).ToList();
            foreach (var (push, outcome) in pushes.Zip(await SendAsync(pushes)))
            {
                outcomes[push.Id] = (push, outcome);
                if (outcome.Result is SendResult.Retry or SendResult.DeviceGone)
                {
                    stopped[push.DeviceId] = outcome;
                }
            }
        }

        foreach (var push in sendable.Where(push => !outcomes.ContainsKey(push.Id)))
        {
            outcomes[push.Id] = (push, stopped[push.DeviceId]);
        }

        var gone = outcomes.Values.Where(entry => entry.Outcome.Result is SendResult.DeviceGone).Select(entry => entry.Push.DeviceId).ToList();
        if (gone.Count > 0)
        {
            await database.Devices.Where(device => gone.Contains(device.Id)).ExecuteDeleteAsync(CancellationToken.None);
        }

        return [.. deliveries.Select(id => outcomes.TryGetValue(id, out var entry) ? entry.Outcome : DeviceRemoved)];

        // The time of the lease may end between two turns. What was sent before stays sent.
        async Task<IReadOnlyList<SendOutcome>> SendAsync(List<DuePush> pushes)
        {
            try
            {
                return pushes is [] ? [] : await sender.SendAsync(pushes.ConvertAll(push => push.ToPush(renderer)), cancellationToken);
            }
            catch (OperationCanceledException) when (outcomes.Count > 0)
            {
                return [.. pushes.Select(_ => LeaseEnded)];
            }
        }
    }

    private sealed record DuePush(
        long Id, Guid DeviceId, Guid NotificationId, string Type, string? TemplateCode, string? Variables, string? Title, string? Body,
        string Data, string? Language, string Token, string DeviceType,
        short Priority, DateTimeOffset? ExpiresAt)
    {
        public Push ToPush(TemplateRenderer renderer)
        {
            var text = new NotificationContent(TemplateCode, Variables, Title, Body).Render(renderer, Language, ChannelNames.Push);
            return new(
                NotificationId, Type, text.Title, text.Body,
                JsonSerializer.Deserialize(Data, NotificationsJson.Default.DictionaryStringString) ?? [],
                Token, DeviceConfiguration.Parse(DeviceType), (Priority)Priority, ExpiresAt);
        }
    }
}
