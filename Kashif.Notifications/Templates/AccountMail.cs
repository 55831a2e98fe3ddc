using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>
/// A mail about an account: a secret link to verify an address or reset a password, or a notice that the account's security has
/// changed. It is no notification: it is not in the inbox, ignores the user's preferences, and is erased once sent.
/// </summary>
/// <param name="Kind">The wire name of the event that requests it.</param>
/// <param name="To">The address that the mail is about, even if the user has changed it since.</param>
/// <param name="Token">The secret of the link; null in a notice.</param>
/// <param name="Change">Of <see cref="SecurityChanges"/>; null in a mail with a link.</param>
internal sealed record AccountMail(string Kind, string To, string? Token, string Language, string? Change = null);

/// <summary>Turns an event into an account mail.</summary>
internal sealed record AccountMailTemplate<TEvent>(Func<TEvent, Guid> User, Func<TEvent, AccountMail> Mail)
    where TEvent : IIntegrationEvent;
