using Kashif.Notifications.Templates;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Kashif.Notifications.Delivery;

/// <summary>For development: writes each mail to a directory as an .eml file.</summary>
internal sealed partial class PickupMailSender : IMailSender
{
    private static readonly SendOutcome NotWritten = new(SendResult.Retry, "pickup_failed");

    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<PickupMailSender> _logger;
    private readonly string _directory;

    public PickupMailSender(IOptions<SmtpOptions> options, TimeProvider time, ILogger<PickupMailSender> logger)
    {
        _options = options.Value;
        _time = time;
        _logger = logger;

        // Only for the current user: the links are secrets.
        var directory = _options.PickupDirectory ?? throw new InvalidOperationException("Smtp:PickupDirectory is not set.");
        _directory = OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(directory).FullName
            : Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
        ToFiles(logger, _directory);
    }

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
    {
        var outcomes = new List<SendOutcome>(mails.Count);
        foreach (var mail in mails)
        {
            outcomes.Add(await SendAsync(mail, cancellationToken));
        }

        return outcomes;
    }

    private async Task<SendOutcome> SendAsync(Mail mail, CancellationToken cancellationToken)
    {
        using var message = MailComposer.Compose(mail, _options.Sender, _time.GetUtcNow());
        if (message is null)
        {
            return MailComposer.InvalidAddress;
        }

        var format = (message.IsInternational() ? MailComposer.International : FormatOptions.Default).Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        var file = Path.Combine(_directory, $"{Guid.CreateVersion7(_time.GetUtcNow())}.eml");
        try
        {
            // Renamed when complete, so that no reader sees half a file.
            await message.WriteToAsync(format, $"{file}.tmp", cancellationToken);
            File.Move($"{file}.tmp", file);
            return new SendOutcome(SendResult.Sent, ProviderId: message.MessageId);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            NotWrittenTo(_logger, _directory, exception);
            return NotWritten;
        }
    }

    [LoggerMessage(EventId = 6006, Level = LogLevel.Warning, Message = "Smtp:Host is not set: e-mails are written to {Directory}, not sent")]
    private static partial void ToFiles(ILogger logger, string directory);

    [LoggerMessage(EventId = 6008, Level = LogLevel.Warning, Message = "Could not write an e-mail to {Directory}; retrying later")]
    private static partial void NotWrittenTo(ILogger logger, string directory, Exception exception);
}
