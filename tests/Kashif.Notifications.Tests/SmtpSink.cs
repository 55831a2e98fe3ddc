using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;

namespace Kashif.Notifications.Tests;

/// <summary>A fake mail server: accepts mails, or refuses them by the address's local part.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    /// <summary>450 twice, then accepted.</summary>
    public const string Busy = "busy";
    public const string AlwaysBusy = "always-busy";
    public const string Unknown = "unknown";

    /// <summary>The first time, accepts the mail and disconnects without confirming.</summary>
    public const string Drop = "drop";

    /// <summary>Disconnects every time.</summary>
    public const string HangUp = "hang-up";

    /// <summary>Never responds.</summary>
    public const string Hang = "hang";

    /// <summary>Refused as a sender.</summary>
    public const string Forbidden = "forbidden";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<ReceivedMail> _received = new();
    private readonly ConcurrentQueue<string> _commands = new();
    private readonly ConcurrentDictionary<string, int> _attempts = new();
    private readonly Task _accepting;
    private int _connections;

    public SmtpSink()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Null: no authentication.</summary>
    public (string User, string Password)? Login { get; init; }

    /// <summary>The extensions that EHLO lists, such as <c>SMTPUTF8</c>.</summary>
    public string[] Extensions { get; init; } = [];

    public string Greeting { get; init; } = "220 sink ESMTP";

    /// <summary>The most mails per connection before the server closes it.</summary>
    public int MailsPerConnection { get; init; } = int.MaxValue;

    /// <summary>Enables TLS: after STARTTLS, or from the first byte.</summary>
    public X509Certificate2? Certificate { get; init; }
    public bool IsImplicitTls { get; init; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of connections so far.</summary>
    public int Connections => _connections;

    /// <summary>In order of arrival.</summary>
    public IReadOnlyList<ReceivedMail> Received => [.. _received];

    /// <summary>The commands of all clients.</summary>
    public IReadOnlyList<string> Commands => [.. _commands];

    public IReadOnlyList<ReceivedMail> To(string address) => [.. _received.Where(mail => mail.To == address)];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting; // before the listener stops, which the loop may be about to use
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                clients.Add(HandleAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task HandleAsync(TcpClient client)
    {
        using var _ = client;
        Interlocked.Increment(ref _connections);
        try
        {
            Stream stream = client.GetStream();
            if (IsImplicitTls)
            {
                stream = await EncryptAsync(stream);
            }

            await ReplyAsync(stream, Greeting);
            await HandleAsync(stream);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or AuthenticationException)
        {
            // The client or the test has ended.
        }
    }

    private async Task HandleAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        var isAuthenticated = Login is null;
        var to = "";
        var accepted = 0;
        while (await reader.ReadLineAsync(_stop.Token) is { } line)
        {
            _commands.Enqueue(line);
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    await ReplyAsync(stream, Capabilities(stream));
                    break;
                case "STARTTLS":
                    await ReplyAsync(stream, "220 go on");
                    await HandleAsync(await EncryptAsync(stream));
                    return;
                case "AUTH":
                    isAuthenticated = (line.Split(' ') is ["AUTH", "PLAIN", var initial] ? Decode(initial) : "") == $"\0{Login?.User}\0{Login?.Password}";
                    await ReplyAsync(stream, isAuthenticated ? "235 welcome" : "535 no");
                    break;
                case "MAIL" when accepted >= MailsPerConnection:
                    await ReplyAsync(stream, "421 enough for one connection");
                    return;
                case "MAIL":
                    await ReplyAsync(stream, line.Contains($"<{Forbidden}@") ? "550 not you" : isAuthenticated ? "250 ok" : "530 who are you?");
                    break;
                case "RCPT":
                    to = Regex.Match(line, "<(.*)>").Groups[1].Value;
                    if (to.StartsWith(HangUp, StringComparison.Ordinal))
                    {
                        return;
                    }

                    await ReplyAsync(stream, await ReplyToRecipientAsync(to));
                    break;
                case "DATA":
                    await ReplyAsync(stream, "354 go on");
                    _received.Enqueue(new ReceivedMail(to, await ReadMailAsync(reader)));
                    accepted++;
                    if (to.StartsWith(Drop, StringComparison.Ordinal) && Count(to) == 1)
                    {
                        return;
                    }

                    await ReplyAsync(stream, "250 taken");
                    break;
                case "RSET":
                    await ReplyAsync(stream, "250 ok");
                    break;
                case "QUIT":
                    await ReplyAsync(stream, "221 bye");
                    return;
                default:
                    await ReplyAsync(stream, "500 what?");
                    break;
            }
        }
    }

    private string Capabilities(Stream stream)
    {
        string[] lines = [
            "sink",
            .. Extensions,
            .. Login is null ? Array.Empty<string>() : ["AUTH LOGIN PLAIN"],
            .. Certificate is null || stream is SslStream ? Array.Empty<string>() : ["STARTTLS"]];
        return string.Join("\r\n", lines.Select((line, index) => $"250{(index == lines.Length - 1 ? ' ' : '-')}{line}"));
    }

    private async Task<Stream> EncryptAsync(Stream stream)
    {
        var encrypted = new SslStream(stream);
        await encrypted.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificate }, _stop.Token);
        return encrypted;
    }

    private async Task ReplyAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes($"{text}\r\n"), _stop.Token);

    private async Task<string> ReplyToRecipientAsync(string address)
    {
        var name = address.Split('@')[0];
        switch (name)
        {
            case Unknown:
                return $"550 there is no {address}";
            case AlwaysBusy:
                return $"450 no time for {address}";
            case Busy when Count(name) <= 2:
                return "450 later";
            case Hang:
                await Task.Delay(Timeout.Infinite, _stop.Token);
                return "";
            default:
                return "250 ok";
        }
    }

    private int Count(string name) => _attempts.AddOrUpdate(name, 1, (_, count) => count + 1);

    private async Task<string> ReadMailAsync(StreamReader reader)
    {
        var mail = new StringBuilder();
        while (await reader.ReadLineAsync(_stop.Token) is { } line && line != ".")
        {
            mail.Append(line.StartsWith('.') ? line.AsSpan(1) : line).Append("\r\n");
        }

        return mail.ToString();
    }

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}

/// <summary>A received mail, parsed as a mail program does.</summary>
/// <param name="To">The envelope's recipient.</param>
internal sealed record ReceivedMail(string To, string Raw)
{
    private readonly MimeMessage _message = MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(Raw)));

    public string? ContentType => _message.Body?.ContentType.MimeType;

    public string? Text => _message.TextBody;

    public string? Html => _message.HtmlBody;

    /// <summary>A header, unfolded and decoded; null if absent.</summary>
    public string? Header(string name) => _message.Headers[name];
}
