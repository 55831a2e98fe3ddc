namespace Kashif.Notifications.Channels;

/// <summary>One mail for one address.</summary>
/// <param name="Id">Of the delivery: the same at each attempt, so that a mail that arrives twice is known to be one.</param>
internal sealed record Mail(long Id, string To, string Subject, string Text, string Html);

/// <summary>Hands mails to whoever brings them to their addresses.</summary>
internal interface IMailSender
{
    /// <returns>The outcomes, in the order of <paramref name="mails"/>.</returns>
    Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken);
}
