using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>What is said about an event. Inbox and push say the same.</summary>
internal sealed record Wording(string Title, string Body);

/// <summary>How an event becomes a notification.</summary>
/// <param name="Recipient">The user who is told.</param>
/// <param name="Data">What goes along for the client: ids and amounts, nothing secret.</param>
/// <param name="ByEmail">Whether it also goes to the address of those who want e-mail: for what people file away.</param>
internal sealed record EventTemplate<TEvent>(
    Func<TEvent, Guid> Recipient,
    Func<TEvent, Dictionary<string, string>> Data,
    Func<TEvent, Wording> English,
    Func<TEvent, Wording> Arabic,
    bool ByEmail = false)
    where TEvent : IIntegrationEvent
{
    public Wording In(string? language, TEvent data) => language switch
    {
        Languages.Arabic => Arabic(data),
        _ => English(data),
    };
}

internal static class Languages
{
    public const string English = "en";
    public const string Arabic = "ar";
}
