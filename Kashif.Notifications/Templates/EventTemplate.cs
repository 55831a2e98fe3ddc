using Kashif.Localization;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>A notification's text, the same in the feed, a push and a mail.</summary>
internal sealed record Wording(string Title, string Body);

/// <summary>Turns an event into a notification.</summary>
/// <param name="Recipient">The user to notify.</param>
/// <param name="Data">Ids and amounts for the client; no secrets.</param>
/// <param name="Actor">The user who did it, who is not told of it; null for receipts and events that no user caused.</param>
/// <param name="ByEmail">Whether to also send it by e-mail to users who enabled that: for receipts.</param>
internal sealed record EventTemplate<TEvent>(
    Func<TEvent, Guid> Recipient,
    Func<TEvent, Dictionary<string, string>> Data,
    Func<TEvent, Wording> English,
    Func<TEvent, Wording> Arabic,
    bool ByEmail = false,
    Func<TEvent, Guid>? Actor = null)
    where TEvent : IIntegrationEvent
{
    /// <summary>Null if the event has no recipient.</summary>
    public Guid? RecipientOf(TEvent data)
    {
        var recipient = Recipient(data);
        return recipient == ErasedUser.Id || recipient == Actor?.Invoke(data) ? null : recipient;
    }

    public Wording In(string? language, TEvent data) => language switch
    {
        Languages.Arabic => Arabic(data),
        _ => English(data),
    };
}

