using System.Text.Json.Nodes;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Dispatch;

/// <summary>Turns an event into a notification.</summary>
/// <param name="Recipient">The user to notify.</param>
/// <param name="Variables">Of the template.</param>
/// <param name="Data">Ids and amounts for the client; no secrets.</param>
/// <param name="Actor">The user who did it, who is not told of it; null for receipts and events that no user caused.</param>
/// <param name="ByEmail">Whether to also send it by e-mail to users who enabled that: for receipts.</param>
/// <param name="Type">The type and the template; null for the event's wire name.</param>
/// <param name="When">Which events notify; null for all.</param>
internal sealed record EventNotification<TEvent>(
    Func<TEvent, Guid> Recipient,
    Func<TEvent, JsonObject> Variables,
    Func<TEvent, Dictionary<string, string>> Data,
    bool ByEmail = false,
    Func<TEvent, Guid>? Actor = null,
    string? Type = null,
    Func<TEvent, bool>? When = null)
    where TEvent : IIntegrationEvent
{
    /// <summary>Without the events that have no recipient or do not notify.</summary>
    public IReadOnlyList<NotificationDraft> Drafts(IReadOnlyList<ReceivedEvent<TEvent>> events) =>
    [
        .. events.Where(received => HasRecipient(received.Data) && When?.Invoke(received.Data) != false).Select(received => new NotificationDraft(
            received.Id, Recipient(received.Data), Type ?? TEvent.Type, Type ?? TEvent.Type, Variables(received.Data), Data(received.Data), received.Time) { ByEmail = ByEmail }),
    ];

    private bool HasRecipient(TEvent data)
    {
        var recipient = Recipient(data);
        return recipient != ErasedUser.Id && recipient != Actor?.Invoke(data);
    }
}
