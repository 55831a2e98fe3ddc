using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Kashif.Notifications.Tests;

/// <summary>Stands where the mail server is: takes mails, or refuses them by what stands before the at sign.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    /// <summary>Two times 450, then taken.</summary>
    public const string Busy = "busy";
    public const string AlwaysBusy = "always-busy";
    public const string Unknown = "unknown";

    /// <summary>Takes the mail and hangs up before it says so, the first time.</summary>
    public const string Drop = "drop";

    /// <summary>Never answers.</summary>
    public const string Hang = "hang";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<ReceivedMail> _received = new();
    private readonly ConcurrentQueue<string> _said = new();
    private readonly ConcurrentDictionary<string, int> _tries = new();
    private readonly (string User, string Password)? _login;
    private readonly Task _accepting;

    /// <param name="login">Without it the server asks for none.</param>
    public SmtpSink((string User, string Password)? login = null)
    {
        _login = login;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

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
        try
        {
            await TalkAsync(client.GetStream());
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client, or the test, is through.
        }
    }

    private async Task TalkAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        var isKnown = _login is null;
        var to = "";
        await SayAsync("220 sink ESMTP");
        while (await reader.ReadLineAsync(_stop.Token) is { } line)
        {
            _said.Enqueue(line);
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    await SayAsync(_login is null ? "250 sink" : "250-sink\r\n250 AUTH LOGIN PLAIN");
                    break;
                case "AUTH":
                    isKnown = await LogInAsync(line, reader);
                    await SayAsync(isKnown ? "235 welcome" : "535 no");
                    break;
                case "MAIL":
                    await SayAsync(isKnown ? "250 ok" : "530 who are you?");
                    break;
                case "RCPT":
                    to = Regex.Match(line, "<(.*)>").Groups[1].Value;
                    await SayAsync(await AnswerToAsync(to.Split('@')[0]));
                    break;
                case "DATA":
                    await SayAsync("354 go on");
                    _received.Enqueue(new ReceivedMail(to, await ReadMailAsync(reader)));
                    if (to.StartsWith(Drop, StringComparison.Ordinal) && Count(to) == 1)
                    {
                        return;
                    }

                    await SayAsync("250 taken");
                    break;
                case "QUIT":
                    await SayAsync("221 bye");
                    return;
                default:
                    await SayAsync("500 what?");
                    break;
            }
        }

        async Task SayAsync(string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes($"{text}\r\n"), _stop.Token);

        async Task<bool> LogInAsync(string line, StreamReader from)
        {
            var user = line.Split(' ') is [_, _, var initial] ? initial : await AskAsync("VXNlcm5hbWU6");
            return (Decode(user), Decode(await AskAsync("UGFzc3dvcmQ6"))) == _login;

            async Task<string> AskAsync(string what)
            {
                await SayAsync($"334 {what}");
                return await from.ReadLineAsync(_stop.Token) ?? "";
            }
        }
    }

    private async Task<string> AnswerToAsync(string name)
    {
        switch (name)
        {
            case Unknown:
                return "550 no such user";
            case AlwaysBusy:
                Count(name);
                return "450 later";
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
internal sealed partial record ReceivedMail(string To, string Raw)
{
    /// <summary>The names and values, unfolded and decoded (RFC 2047).</summary>
    public IReadOnlyList<(string Name, string Value)> Headers => HeadersOf(Raw);

    public string Text => Part("text/plain");

    public string Html => Part("text/html");

    public string Header(string name) => Headers.Single(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    private string Part(string type)
    {
        var boundary = Regex.Match(Header("Content-Type"), "boundary=\"?([^\";]+)").Groups[1].Value;
        var part = Raw.Split($"--{boundary}").Skip(1).Select(text => text.TrimStart('\r', '\n'))
            .Single(text => HeadersOf(text).Any(header => header.Name == "Content-Type" && header.Value.StartsWith(type, StringComparison.Ordinal)));
        var body = part[(part.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        var encoding = HeadersOf(part).Single(header => header.Name.Equals("Content-Transfer-Encoding", StringComparison.OrdinalIgnoreCase)).Value;
        return encoding switch
        {
            "base64" => Encoding.UTF8.GetString(Convert.FromBase64String(body)),
            "quoted-printable" => Unquote(body),
            _ => body,
        };
    }

    private static List<(string Name, string Value)> HeadersOf(string text)
    {
        var head = text[..text.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        return [.. Regex.Replace(head, "\r\n[ \t]+", " ").Split("\r\n").Select(line => (line.Split(':')[0], Words().Replace(line[(line.IndexOf(':') + 1)..].Trim(), Word).Trim()))];
    }

    private static string Word(Match word) => word.Groups["encoding"].Value is "B" or "b"
        ? Encoding.UTF8.GetString(Convert.FromBase64String(word.Groups["text"].Value))
        : Unquote(word.Groups["text"].Value.Replace('_', ' '));

    private static string Unquote(string text)
    {
        var bytes = new List<byte>();
        text = text.Replace("=\r\n", "");
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] == '=')
            {
                bytes.Add(Convert.ToByte(text.Substring(index + 1, 2), 16));
                index += 2;
            }
            else
            {
                bytes.Add((byte)text[index]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>An encoded word, with the white space to the next one, which does not count.</summary>
    [GeneratedRegex(@"=\?utf-8\?(?<encoding>[BbQq])\?(?<text>[^?]*)\?=(\s+(?==\?))?", RegexOptions.IgnoreCase)]
    private static partial Regex Words();
}
