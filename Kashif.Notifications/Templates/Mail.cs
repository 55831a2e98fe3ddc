namespace Kashif.Notifications.Templates;

/// <summary>A mail to one address.</summary>
/// <param name="Id">The delivery's id. It stays the same at each attempt, so mail programs recognise duplicates.</param>
/// <param name="Unsubscribe">The link of RFC 8058; null for account mails, which cannot be turned off.</param>
internal sealed record Mail(long Id, string To, string Subject, string Text, string Html, string? Unsubscribe = null);
