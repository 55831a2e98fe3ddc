using System.Collections.Concurrent;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Kashif.Notifications.Channels;

/// <summary>
/// A mail server (docs/decisions/0006-smtp-client.md). A connection carries one mail after the other. What the server says of
/// one mail counts for that mail alone; only a connection that cannot be had, or breaks twice in a row, means that it is away.
/// </summary>
/// <param name="newClient">Makes clients that are not connected.</param>
internal sealed partial class SmtpMailSender(
    Func<SmtpClient> newClient, IOptions<SmtpOptions> options, TimeProvider time, ILogger<SmtpMailSender> logger) : IMailSender
{
    private const int MailsPerConnection = 5;
    private const int MaxConnections = 4;
    private const int MaxBrokenConnections = 2;

    private static readonly SendOutcome Unreachable = new(SendResult.Retry, "smtp_unreachable");
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

        // No connection was left to take these.
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

    /// <returns>Why there is no connection, if so.</returns>
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
                waiting.Enqueue(outgoing); // a server may close a connection that it has had enough of: the next one starts anew
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
                // Or MailKit would ask for SMTPUTF8 for a domain that is not ASCII, which any server takes in Punycode.
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
            // To be logged: its words are the library's own, about this host and its certificate. A time-out has none.
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
            await client.SendAsync(outgoing.IsInternational ? MailComposer.International : FormatOptions.Default, outgoing.Message, limit.Token);
            return new SendOutcome(SendResult.Sent);
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
    }

    private CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Timeout);
        return limit;
    }

    private static bool IsTransport(Exception exception) =>
        exception is OperationCanceledException or IOException or SocketException or SmtpProtocolException or ServiceNotConnectedException;

    /// <summary>Whether the server will never take this mail. Our sender, name and password are the same for all: the operator mends those.</summary>
    /// <remarks>RFC 5321 section 4.2.1 and RFC 4954 section 6.</remarks>
    private static bool IsPermanent(SmtpCommandException refusal) =>
        refusal.ErrorCode is not SmtpErrorCode.SenderNotAccepted && (int)refusal.StatusCode is >= 500 and not (530 or 534 or 535 or 538);

    private static SendOutcome ServerError(SendResult result, SmtpStatusCode status) => new(result, $"smtp_{(int)status}");

    [LoggerMessage(EventId = 6007, Level = LogLevel.Warning, Message = "{Count} e-mails are tried again later: the mail server is away, or does not take them ({Reason})")]
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
