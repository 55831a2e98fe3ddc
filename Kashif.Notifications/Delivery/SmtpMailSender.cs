using System.Collections.Concurrent;
using System.Net.Sockets;
using Kashif.Notifications.Templates;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Kashif.Notifications.Delivery;

/// <summary>
/// Sends mails through an SMTP server (docs/decisions/0006-smtp-client.md), several per connection. A refusal counts only for
/// its own mail. The server counts as unreachable if connecting fails or the connection breaks twice in a row.
/// </summary>
/// <param name="newClient">Creates a client that is not connected.</param>
internal sealed partial class SmtpMailSender(
    Func<SmtpClient> newClient, IOptions<SmtpOptions> options, TimeProvider time, ILogger<SmtpMailSender> logger) : IMailSender
{
    private const int MailsPerConnection = 5;
    private const int MaxConnections = 4;
    private const int MaxBrokenConnections = 2;

    private static readonly SendOutcome Unreachable = new(SendResult.Retry, "smtp_unreachable");
    private static readonly SendOutcome NotComposed = new(SendResult.Refused, "not_composed");
    private static readonly SendOutcome NotInternational = new(SendResult.Refused, "smtputf8_not_offered");

    private readonly SmtpOptions _options = options.Value;

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
    {
        var outcomes = new SendOutcome[mails.Count];
        var messages = new List<Outgoing>(mails.Count);
        for (var index = 0; index < mails.Count; index++)
        {
            if (MailComposer.Compose(mails[index], _options.Sender, time.GetUtcNow()) is { } message)
            {
                messages.Add(new Outgoing(index, message));
            }
            else
            {
                outcomes[index] = MailComposer.InvalidAddress;
            }
        }

        await Task.WhenAll(
            SendAsync(messages.FindAll(outgoing => !outgoing.IsInternational), international: false, cancellationToken),
            SendAsync(messages.FindAll(outgoing => outgoing.IsInternational), international: true, cancellationToken));
        foreach (var outgoing in messages)
        {
            outcomes[outgoing.Index] = outgoing.Outcome;
            outgoing.Message.Dispose();
        }

        return outcomes;
    }

    private async Task SendAsync(List<Outgoing> messages, bool international, CancellationToken cancellationToken)
    {
        var waiting = new ConcurrentQueue<Outgoing>(messages);
        var connections = Math.Min(MaxConnections, (messages.Count + MailsPerConnection - 1) / MailsPerConnection);
        var failures = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => SendOverConnectionAsync(waiting, international, cancellationToken)));

        // No connection was left to send these.
        var failure = Array.Find(failures, failure => failure is not null);
        foreach (var outgoing in waiting)
        {
            outgoing.Outcome = failure?.Outcome ?? Unreachable;
        }

        if (messages.FindAll(outgoing => outgoing.Outcome.Result is SendResult.Retry) is [{ Outcome.Error: { } reason }, ..] later)
        {
            MailsDeferred(logger, later.Count, reason, failure?.Exception);
        }
    }

    /// <returns>The failure if connecting fails.</returns>
    private async Task<ConnectFailure?> SendOverConnectionAsync(ConcurrentQueue<Outgoing> waiting, bool international, CancellationToken cancellationToken)
    {
        using var client = newClient();
        var broken = 0;
        while (broken < MaxBrokenConnections && !waiting.IsEmpty)
        {
            var isReused = client.IsConnected;
            if (!isReused && await ConnectAsync(client, international, cancellationToken) is { } failure)
            {
                return failure;
            }

            if (!waiting.TryDequeue(out var outgoing))
            {
                break;
            }

            outgoing.Outcome = await SendAsync(client, outgoing, cancellationToken);
            if (client.IsConnected || outgoing.Outcome.Result is not SendResult.Retry)
            {
                broken = 0;
            }
            else if (isReused)
            {
                waiting.Enqueue(outgoing); // The server may limit the mails per connection: try again on a new one.
            }
            else
            {
                broken++;
            }
        }

        using var limit = Limit(cancellationToken);
        await client.DisconnectAsync(quit: true, limit.Token);
        return null;
    }

    private async Task<ConnectFailure?> ConnectAsync(SmtpClient client, bool international, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        try
        {
            await client.ConnectAsync(_options.Host, _options.PortNumber, _options.Encryption, limit.Token);
            if (_options is { User: { Length: > 0 } user, Password: { } password })
            {
                await client.AuthenticateAsync(user, password, limit.Token);
            }

            if (!international)
            {
                // Otherwise MailKit requires SMTPUTF8 for a non-ASCII domain, which any server accepts in Punycode.
                client.Capabilities &= ~SmtpCapabilities.UTF8;
            }

            return null;
        }
        catch (SmtpCommandException refusal)
        {
            return new ConnectFailure(ServerError(SendResult.Retry, refusal.StatusCode));
        }
        catch (AuthenticationException refusal)
        {
            return new ConnectFailure(refusal.InnerException is SmtpCommandException { StatusCode: var status } ? ServerError(SendResult.Retry, status) : Unreachable);
        }
        catch (Exception exception) when (IsTransport(exception) || exception is SslHandshakeException or NotSupportedException or TimeoutException)
        {
            // Safe to log: its message is the library's, about the host and its certificate. A timeout has no message worth logging.
            return new ConnectFailure(Unreachable, exception is OperationCanceledException ? null : exception);
        }
    }

    private async Task<SendOutcome> SendAsync(SmtpClient client, Outgoing outgoing, CancellationToken cancellationToken)
    {
        if (outgoing.IsInternational && !client.Capabilities.HasFlag(SmtpCapabilities.UTF8 | SmtpCapabilities.EightBitMime))
        {
            return NotInternational;
        }

        using var limit = Limit(cancellationToken);
        try
        {
            await client.SendAsync(outgoing.IsInternational ? MailComposer.International : FormatOptions.Default, outgoing.Message, _options.Envelope, outgoing.Message.To.Mailboxes, limit.Token);
            return new SendOutcome(SendResult.Sent, ProviderId: outgoing.Message.MessageId);
        }
        catch (SmtpCommandException refusal)
        {
            return ServerError(IsPermanent(refusal) ? SendResult.Refused : SendResult.Retry, refusal.StatusCode);
        }
        catch (ServiceNotAuthenticatedException)
        {
            return ServerError(SendResult.Retry, SmtpStatusCode.AuthenticationRequired);
        }
        catch (Exception exception) when (IsTransport(exception))
        {
            return Unreachable;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidOperationException or NotSupportedException)
        {
            // MailKit cannot send this mail, to this server or at all. The others go on.
            return NotComposed;
        }
    }

    private CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Timeout);
        return limit;
    }

    private static bool IsTransport(Exception exception) =>
        exception is OperationCanceledException or IOException or SocketException or SmtpProtocolException or ServiceNotConnectedException;

    /// <summary>Whether the server will never accept this mail. A refused sender or login concerns all mails, and the operator can fix it: retry.</summary>
    /// <remarks>RFC 5321 section 4.2.1 and RFC 4954 section 6.</remarks>
    private static bool IsPermanent(SmtpCommandException refusal) =>
        refusal.ErrorCode is not SmtpErrorCode.SenderNotAccepted && (int)refusal.StatusCode is >= 500 and not (530 or 534 or 535 or 538);

    private static SendOutcome ServerError(SendResult result, SmtpStatusCode status) => new(result, $"smtp_{(int)status}");

    [LoggerMessage(EventId = 6007, Level = LogLevel.Warning, Message = "{Count} e-mails will be retried later: the mail server is unreachable or refuses them ({Reason})")]
    private static partial void MailsDeferred(ILogger logger, int count, string reason, Exception? exception);

    private sealed class Outgoing(int index, MimeMessage message)
    {
        public int Index { get; } = index;

        public MimeMessage Message { get; } = message;

        public bool IsInternational { get; } = message.IsInternational();

        public SendOutcome Outcome { get; set; }
    }

    private sealed record ConnectFailure(SendOutcome Outcome, Exception? Exception = null);
}
