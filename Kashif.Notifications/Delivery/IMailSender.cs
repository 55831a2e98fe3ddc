using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Delivery;

/// <summary>Sends mails.</summary>
internal interface IMailSender
{
    /// <returns>The outcomes, in the order of <paramref name="mails"/>.</returns>
    Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken);
}
