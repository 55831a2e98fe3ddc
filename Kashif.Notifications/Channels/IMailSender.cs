namespace Kashif.Notifications.Channels;

/// <summary>A mail to one address.</summary>
/// <param name="Id">The delivery's id. It stays the same at each attempt, so mail programs recognise duplicates.</param>
internal sealed record Mail(long Id, string To, string Subject, string Text, string Html);

/// <summary>Sends mails.</summary>
internal interface IMailSender
{
    /// <returns>The outcomes, in the order of <paramref name="mails"/>.</returns>
    Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken);
}
