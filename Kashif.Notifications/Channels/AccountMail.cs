namespace Kashif.Notifications.Channels;

/// <summary>
/// A mail that is no notification: its link is a secret, so it never shows in the inbox, goes out whatever the person's
/// preferences are, and is erased once it is sent.
/// </summary>
/// <param name="Kind">The wire name of the event that asks for it.</param>
/// <param name="To">The address that the link is bound to, which may not be the one that the person has by now.</param>
internal sealed record AccountMail(string Kind, string To, string Token, string Language);
