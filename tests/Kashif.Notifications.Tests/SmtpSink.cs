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

/// <summary>A mail server: takes mails, or refuses them by the local part of the address.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    /// <summary>450 twice, then taken.</summary>
    public const string Busy = "busy";
    public const string AlwaysBusy = "always-busy";
    public const string Unknown = "unknown";

    /// <summary>Takes the mail and hangs up before it says so, the first time.</summary>
    public const string Drop = "drop";

    /// <summary>Hangs up, every time.</summary>
    public const string HangUp = "hang-up";

    /// <summary>Never answers.</summary>
    public const string Hang = "hang";

    /// <summary>As a sender: refused.</summary>
    public const string Forbidden = "forbidden";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<ReceivedMail> _received = new();
    private readonly ConcurrentQueue<string> _said = new();
    private readonly ConcurrentDictionary<string, int> _tries = new();
    private readonly Task _accepting;
    private int _connections;

    public SmtpSink()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Null: the server asks for no name and password.</summary>
    public (string User, string Password)? Login { get; init; }

    /// <summary>What EHLO lists, such as <c>SMTPUTF8</c>.</summary>
    public string[] Extensions { get; init; } = [];

    public string Greeting { get; init; } = "220 sink ESMTP";

    /// <summary>How many mails a connection takes before the server closes it.</summary>
    public int MailsPerConnection { get; init; } = int.MaxValue;

    /// <summary>With it the server speaks TLS: after STARTTLS, or at once.</summary>
    public X509Certificate2? Certificate { get; init; }
    public bool IsTlsAtOnce { get; init; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many there have been.</summary>
    public int Connections => _connections;

    /// <summary>In order of arrival.</summary>
    public IReadOnlyList<ReceivedMail> Received => [.. _received];

    /// <summary>The commands of all clients.</summary>
    public IReadOnlyList<string> Said => [.. _said];

    public IReadOnlyList<ReceivedMail> To(string address) => [.. _received.Where(mail => mail.To == address)];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var talks = new List<Task>();
        try
        {
            while (true)
            {
                talks.Add(TalkAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(talks);
        }
    }

    private async Task TalkAsync(TcpClient client)
    {
        using var _ = client;
        Interlocked.Increment(ref _connections);
        try
        {
            Stream stream = client.GetStream();
            if (IsTlsAtOnce)
            {
                stream = await EncryptAsync(stream);
            }

            await SayAsync(stream, Greeting);
            await TalkAsync(stream);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or AuthenticationException)
        {
            // The client, or the test, is through.
        }
    }

    private async Task TalkAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        var isKnown = Login is null;
        var to = "";
        var taken = 0;
        while (await reader.ReadLineAsync(_stop.Token) is { } line)
        {
            _said.Enqueue(line);
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    await SayAsync(stream, Offer(stream));
                    break;
                case "STARTTLS":
                    await SayAsync(stream, "220 go on");
                    await TalkAsync(await EncryptAsync(stream));
                    return;
                case "AUTH":
                    isKnown = (line.Split(' ') is ["AUTH", "PLAIN", var initial] ? Decode(initial) : "") == $"\0{Login?.User}\0{Login?.Password}";
                    await SayAsync(stream, isKnown ? "235 welcome" : "535 no");
                    break;
                case "MAIL" when taken >= MailsPerConnection:
                    await SayAsync(stream, "421 enough for one connection");
                    return;
                case "MAIL":
                    await SayAsync(stream, line.Contains($"<{Forbidden}@") ? "550 not you" : isKnown ? "250 ok" : "530 who are you?");
                    break;
                case "RCPT":
                    to = Regex.Match(line, "<(.*)>").Groups[1].Value;
                    if (to.StartsWith(HangUp, StringComparison.Ordinal))
                    {
                        return;
                    }

                    await SayAsync(stream, await AnswerToAsync(to));
                    break;
                case "DATA":
                    await SayAsync(stream, "354 go on");
                    _received.Enqueue(new ReceivedMail(to, await ReadMailAsync(reader)));
                    taken++;
                    if (to.StartsWith(Drop, StringComparison.Ordinal) && Count(to) == 1)
                    {
                        return;
                    }

                    await SayAsync(stream, "250 taken");
                    break;
                case "RSET":
                    await SayAsync(stream, "250 ok");
                    break;
                case "QUIT":
                    await SayAsync(stream, "221 bye");
                    return;
                default:
                    await SayAsync(stream, "500 what?");
                    break;
            }
        }
    }

    private string Offer(Stream stream)
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

    private async Task SayAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes($"{text}\r\n"), _stop.Token);

    private async Task<string> AnswerToAsync(string address)
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

    private int Count(string name) => _tries.AddOrUpdate(name, 1, (_, count) => count + 1);

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

/// <summary>A mail as it came over the wire, read as a mail program reads it.</summary>
/// <param name="To">The recipient of the envelope.</param>
internal sealed record ReceivedMail(string To, string Raw)
{
    private readonly MimeMessage _message = MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(Raw)));

    public string? ContentType => _message.Body?.ContentType.MimeType;

    public string? Text => _message.TextBody;

    public string? Html => _message.HtmlBody;

    /// <summary>Unfolded and decoded; null where there is none.</summary>
    public string? Header(string name) => _message.Headers[name];
}
