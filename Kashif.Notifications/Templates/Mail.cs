namespace Kashif.Notifications.Templates;

/// <summary>A mail to one address.</summary>
/// <param name="Id">The delivery's id. It stays the same at each attempt, so mail programs recognise duplicates.</param>
internal sealed record Mail(long Id, string To, string Subject, string Text, string Html);
