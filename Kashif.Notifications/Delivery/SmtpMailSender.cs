using System.Net;
using System.Net.Mail;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Delivery;

/// <summary>A mail server, or in its place a directory that mails are written to (docs/decisions/0006-smtp-client.md).</summary>
internal sealed partial class SmtpMailSender : IMailSender
{
    private const int AtOnce = 4;

    /// <summary>The mails that were not tried fare no better: the next attempt is for all of them.</summary>
    private static readonly SendOutcome Away = new(SendResult.Retry, "smtp_unreachable");

    private readonly SmtpOptions _options;
    private readonly ILogger<SmtpMailSender> _logger;
    private readonly string? _directory;

    public SmtpMailSender(IOptions<SmtpOptions> options, ILogger<SmtpMailSender> logger)
    {
        _options = options.Value;
        _logger = logger;
        if (_options is { IsServerSet: false, PickupDirectory: { } directory })
        {
            // Their links are as good as passwords.
            _directory = OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(directory).FullName
                : Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
            ToFiles(logger, _directory);
        }
    }

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
    {
        var outcomes = new List<SendOutcome>(mails.Count);
        foreach (var chunk in mails.Chunk(AtOnce))
        {
            outcomes.AddRange(outcomes.Contains(Away)
                ? Enumerable.Repeat(Away, chunk.Length)
                : await Task.WhenAll(chunk.Select(mail => SendAsync(mail, cancellationToken))));
        }

        if (outcomes.Find(outcome => outcome.Result is SendResult.Retry) is { Error: { } reason })
        {
            NotTaken(_logger, outcomes.Count(outcome => outcome.Result is SendResult.Retry), reason);
        }

        return outcomes;
    }

    private async Task<SendOutcome> SendAsync(Mail mail, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Timeout);
        try
        {
            using var message = ToMessage(mail);
            using var client = Connect(message);
            await client.SendMailAsync(message, limit.Token);
            return new SendOutcome(SendResult.Sent);
        }
        catch (FormatException)
        {
            return new SendOutcome(SendResult.Refused, "invalid_address");
        }
        catch (SmtpException exception) when ((int)exception.StatusCode >= 400)
        {
            return ToOutcome((int)exception.StatusCode);
        }
        catch (Exception exception) when (exception is SmtpException or OperationCanceledException or IOException or AuthenticationException or InvalidOperationException)
        {
            return Away;
        }
    }

    private SmtpClient Connect(MailMessage message)
    {
        if (!_options.IsServerSet)
        {
            return new SmtpClient { DeliveryMethod = SmtpDeliveryMethod.SpecifiedPickupDirectory, PickupDirectoryLocation = _directory };
        }

        return new SmtpClient(_options.Host, _options.Port)
        {
            EnableSsl = _options.StartTls,
            Credentials = string.IsNullOrEmpty(_options.User) ? null : new NetworkCredential(_options.User, _options.Password),

            // What is not ASCII before the at sign only goes through servers with SMTPUTF8; all else is encoded for any of them.
            DeliveryFormat = Ascii.IsValid(message.To[0].User) ? SmtpDeliveryFormat.SevenBit : SmtpDeliveryFormat.International,
        };
    }

    private MailMessage ToMessage(Mail mail)
    {
        var sender = _options.Sender;
        var message = new MailMessage
        {
            From = sender,
            Subject = OneLine(mail.Subject),
            SubjectEncoding = Encoding.UTF8,
            HeadersEncoding = Encoding.UTF8,
            Body = mail.Text,
            BodyEncoding = Encoding.UTF8,
        };
        message.To.Add(new MailAddress(mail.To));
        message.AlternateViews.Add(AlternateView.CreateAlternateViewFromString(mail.Html, Encoding.UTF8, "text/html"));
        message.Headers["Message-ID"] = $"<delivery-{mail.Id}@{sender.Host}>";
        message.Headers["Auto-Submitted"] = "auto-generated"; // RFC 3834: no out-of-office replies
        return message;
    }

    /// <summary>A line break in a header would begin another header.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));

    /// <remarks>RFC 5321 section 4.2.1 and RFC 4954 section 6.</remarks>
    private static SendOutcome ToOutcome(int status) => new(
        status switch
        {
            530 or 534 or 535 or 538 => SendResult.Retry, // the server does not take our name and password: the operator mends that
            >= 500 => SendResult.Refused,
            _ => SendResult.Retry,
        },
        $"smtp_{status}");

    [LoggerMessage(EventId = 6007, Level = LogLevel.Warning, Message = "{Count} e-mails are tried again later: the mail server is away, or does not take them ({Reason})")]
    private static partial void NotTaken(ILogger logger, int count, string reason);

    [LoggerMessage(EventId = 6006, Level = LogLevel.Warning, Message = "Smtp:Host is not set: e-mails are not sent but written to {Directory}")]
    private static partial void ToFiles(ILogger logger, string directory);
}
