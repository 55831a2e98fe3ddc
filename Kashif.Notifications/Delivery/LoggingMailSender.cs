using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Delivery;

/// <summary>Used without a mail server: logs that a mail would be sent, without recipient or content.</summary>
internal sealed partial class LoggingMailSender : IMailSender
{
    private readonly ILogger<LoggingMailSender> _logger;

    public LoggingMailSender(ILogger<LoggingMailSender> logger)
    {
        _logger = logger;
        NotSetUp(logger);
    }

    public Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
    {
        foreach (var mail in mails)
        {
            WouldSend(_logger, mail.Id);
        }

        return Task.FromResult<IReadOnlyList<SendOutcome>>([.. mails.Select(_ => new SendOutcome(SendResult.Sent))]);
    }

    [LoggerMessage(EventId = 6004, Level = LogLevel.Warning, Message = "Neither Smtp:Host nor Smtp:PickupDirectory is set: e-mails are logged, not sent, so users cannot verify an address or reset a password")]
    private static partial void NotSetUp(ILogger logger);

    [LoggerMessage(EventId = 6005, Level = LogLevel.Information, Message = "Delivery {DeliveryId} would be sent by e-mail")]
    private static partial void WouldSend(ILogger logger, long deliveryId);
}
