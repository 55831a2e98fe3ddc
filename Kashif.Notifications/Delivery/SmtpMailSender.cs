using System.Collections.Concurrent;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Kashif.Notifications.Delivery;

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

    private static readonly SendOutcome Away = new(SendResult.Retry, "smtp_unreachable");
    private static readonly SendOutcome NotInternational = new(SendResult.Refused, "smtputf8_not_offered");

    private readonly SmtpOptions _options = options.Value;

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Mail> mails, CancellationToken cancellationToken)
    {
        var outcomes = new SendOutcome[mails.Count];
        var letters = new List<Outgoing>(mails.Count);
        for (var index = 0; index < mails.Count; index++)
        {
            if (MailComposer.Compose(mails[index], _options.Sender, time.GetUtcNow()) is { } message)
            {
                letters.Add(new Outgoing(index, message));
            }
            else
            {
                outcomes[index] = MailComposer.InvalidAddress;
            }
        }

        await Task.WhenAll(
            SendAsync(letters.FindAll(letter => !letter.IsInternational), international: false, cancellationToken),
            SendAsync(letters.FindAll(letter => letter.IsInternational), international: true, cancellationToken));
        foreach (var letter in letters)
        {
            outcomes[letter.Index] = letter.Outcome;
            letter.Message.Dispose();
        }

        return outcomes;
    }

    private async Task SendAsync(List<Outgoing> letters, bool international, CancellationToken cancellationToken)
    {
        var waiting = new ConcurrentQueue<Outgoing>(letters);
        var connections = Math.Min(MaxConnections, (letters.Count + MailsPerConnection - 1) / MailsPerConnection);
        var failures = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => SendOverConnectionAsync(waiting, international, cancellationToken)));

        // No connection was left to take these.
        var failure = Array.Find(failures, failure => failure is not null);
        foreach (var letter in waiting)
        {
            letter.Outcome = failure?.Outcome ?? Away;
        }

        if (letters.FindAll(letter => letter.Outcome.Result is SendResult.Retry) is [{ Outcome.Error: { } reason }, ..] later)
        {
            NotTaken(logger, later.Count, reason, failure?.Exception);
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

            if (!waiting.TryDequeue(out var letter))
            {
                break;
            }

            letter.Outcome = await SendAsync(client, letter, cancellationToken);
            if (client.IsConnected || letter.Outcome.Result is not SendResult.Retry)
            {
                broken = 0;
            }
            else if (isReused)
            {
                waiting.Enqueue(letter); // a server may close a connection that it has had enough of: the next one starts anew
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
            return new ConnectFailure(Answered(SendResult.Retry, refusal.StatusCode));
        }
        catch (AuthenticationException refusal)
        {
            return new ConnectFailure(refusal.InnerException is SmtpCommandException { StatusCode: var status } ? Answered(SendResult.Retry, status) : Away);
        }
        catch (Exception exception) when (IsTransport(exception) || exception is SslHandshakeException or NotSupportedException or TimeoutException)
        {
            // To be logged: its words are the library's own, about this host and its certificate. A time-out has none.
            return new ConnectFailure(Away, exception is OperationCanceledException ? null : exception);
        }
    }

    private async Task<SendOutcome> SendAsync(SmtpClient client, Outgoing letter, CancellationToken cancellationToken)
    {
        if (letter.IsInternational && !client.Capabilities.HasFlag(SmtpCapabilities.UTF8 | SmtpCapabilities.EightBitMime))
        {
            return NotInternational;
        }

        using var limit = Limit(cancellationToken);
        try
        {
            await client.SendAsync(letter.IsInternational ? MailComposer.International : FormatOptions.Default, letter.Message, limit.Token);
            return new SendOutcome(SendResult.Sent);
        }
        catch (SmtpCommandException refusal)
        {
            return Answered(IsOfThisMail(refusal) ? SendResult.Refused : SendResult.Retry, refusal.StatusCode);
        }
        catch (ServiceNotAuthenticatedException)
        {
            return Answered(SendResult.Retry, SmtpStatusCode.AuthenticationRequired);
        }
        catch (Exception exception) when (IsTransport(exception))
        {
            return Away;
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
    private static bool IsOfThisMail(SmtpCommandException refusal) =>
        refusal.ErrorCode is not SmtpErrorCode.SenderNotAccepted && (int)refusal.StatusCode is >= 500 and not (530 or 534 or 535 or 538);

    private static SendOutcome Answered(SendResult result, SmtpStatusCode status) => new(result, $"smtp_{(int)status}");

    [LoggerMessage(EventId = 6007, Level = LogLevel.Warning, Message = "{Count} e-mails are tried again later: the mail server is away, or does not take them ({Reason})")]
    private static partial void NotTaken(ILogger logger, int count, string reason, Exception? exception);

    private sealed class Outgoing(int index, MimeMessage message)
    {
        public int Index { get; } = index;

        public MimeMessage Message { get; } = message;

        public bool IsInternational { get; } = message.IsInternational();

        public SendOutcome Outcome { get; set; }
    }

    private sealed record ConnectFailure(SendOutcome Outcome, Exception? Exception = null);
}
