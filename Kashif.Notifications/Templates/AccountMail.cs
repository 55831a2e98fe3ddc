using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>
/// A mail with a secret link, to verify an address or reset a password. It is no notification: it is not in the feed, ignores
/// the user's preferences, and is erased once sent.
/// </summary>
/// <param name="Kind">The wire name of the event that requests it.</param>
/// <param name="To">The address that the link belongs to, even if the user has changed it since.</param>
internal sealed record AccountMail(string Kind, string To, string Token, string Language);

/// <summary>Turns an event into an account mail.</summary>
internal sealed record AccountMailTemplate<TEvent>(Func<TEvent, Guid> User, Func<TEvent, AccountMail> Mail)
    where TEvent : IIntegrationEvent;
