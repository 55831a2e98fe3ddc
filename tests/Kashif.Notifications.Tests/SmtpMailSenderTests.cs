using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Templates;
using MailKit;
using MailKit.Net.Smtp;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Kashif.Notifications.Tests;

/// <summary>The outcome of each mail of a batch, and the SMTP commands sent.</summary>
public sealed class SmtpMailSenderTests
{
    private static readonly SendOutcome Sent = new(SendResult.Sent);
    private static readonly SendOutcome Unreachable = new(SendResult.Retry, "smtp_unreachable");
    private static readonly SendOutcome InvalidAddress = new(SendResult.Refused, "invalid_address");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(5, 1)]
    [InlineData(20, 4)]
    public async Task A_batch_uses_few_connections(int mails, int connections)
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, [.. Enumerable.Range(0, mails).Select(number => $"user-{number}")])).ShouldAllBe(outcome => outcome == Sent);

        sink.Connections.ShouldBeLessThanOrEqualTo(connections);
        sink.Received.Select(mail => mail.Header("Message-Id")).ShouldBe(
            Enumerable.Range(0, mails).Select(id => $"<delivery-{id}@kashif.test>"), ignoreOrder: true);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("@people.test")]
    [InlineData("amal@")]
    [InlineData("amal@peo ple.test")]
    [InlineData("amal@people..test")]
    [InlineData("Evil <evil@people.test>")]
    [InlineData("evil@people.test (comment)")]
    [InlineData("evil@people.test, other@people.test")]
    [InlineData("evil@people.test\r\nRCPT TO:<other@people.test>")]
    [InlineData("\"evil\r\nRCPT TO:<other@people.test>\"@people.test")]
    [InlineData("\"a\u0001b\"@people.test")]
    [InlineData("x@\ud800.test")]
    public async Task An_invalid_address_refuses_only_its_own_mail(string address)
    {
        await using var sink = new SmtpSink { Extensions = ["8BITMIME", "SMTPUTF8"] };

        (await SendAsync(sink, new SmtpOptions(), [MailTo(1, "first@people.test"), MailTo(2, address), MailTo(3, "last@people.test")])).ShouldBe([Sent, InvalidAddress, Sent]);

        sink.Connections.ShouldBe(1);
        sink.Commands.Count(line => line.StartsWith("RCPT")).ShouldBe(2);
    }

    [Theory]
    [InlineData("amal+reports@people.test")]
    [InlineData("a..b.@people.test")] // Not an atom of RFC 5322, but some providers issue such names.
    [InlineData("\"a\\\"b\"@people.test")]
    [InlineData("amal@[127.0.0.1]")]
    public async Task An_unusual_address_is_unchanged(string address)
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, address)).ShouldBe([Sent]);

        sink.Received.ShouldHaveSingleItem().To.ShouldBe(address);
    }

    [Fact]
    public async Task A_refused_address_does_not_affect_the_others()
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, "first", SmtpSink.Unknown, SmtpSink.AlwaysBusy, "last")).ShouldBe(
            [Sent, new SendOutcome(SendResult.Refused, "smtp_550"), new SendOutcome(SendResult.Retry, "smtp_450"), Sent]);

        sink.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task A_mail_that_cannot_be_composed_does_not_affect_the_others()
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, new SmtpOptions(), [MailTo(1, "first@people.test"), MailTo(2, OddClient.Odd), MailTo(3, "last@people.test")], newClient: () => new OddClient()))
            .ShouldBe([Sent, new SendOutcome(SendResult.Refused, "not_composed"), Sent]);

        sink.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task A_mail_that_breaks_its_connection_does_not_affect_the_others()
    {
        await using var sink = new SmtpSink();

        var mails = new[] { SmtpSink.HangUp, "first", SmtpSink.Hang, "last" }.Select((name, id) => MailTo(id, $"{name}@people.test"));
        (await SendAsync(sink, new SmtpOptions { Timeout = TimeSpan.FromSeconds(2) }, [.. mails])).ShouldBe([Unreachable, Sent, Unreachable, Sent]);
    }

    [Fact]
    public async Task A_server_that_breaks_every_connection_gets_at_most_two()
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, [.. Enumerable.Range(0, 5).Select(number => $"{SmtpSink.HangUp}-{number}")])).ShouldAllBe(outcome => outcome == Unreachable);

        sink.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task A_mail_on_a_closed_connection_is_sent_over_the_next()
    {
        await using var sink = new SmtpSink { MailsPerConnection = 2 };

        (await SendAsync(sink, "first", "second", "third", "fourth", "fifth")).ShouldAllBe(outcome => outcome == Sent);

        sink.Connections.ShouldBe(3);
        sink.Received.Count.ShouldBe(5);
    }

    [Fact]
    public async Task A_refused_connection_retries_all_mails()
    {
        await using var sink = new SmtpSink { Greeting = "554 not today" };

        (await SendAsync(sink, "first", "last")).ShouldAllBe(outcome => outcome == new SendOutcome(SendResult.Retry, "smtp_554"));

        sink.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_sender_retries_the_mail()
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, new SmtpOptions { From = $"{SmtpSink.Forbidden}@kashif.test" }, [MailTo(1, "amal@people.test")]))
            .ShouldBe([new SendOutcome(SendResult.Retry, "smtp_550")]);
    }

    [Fact]
    public async Task A_non_ASCII_local_part_is_sent_to_a_server_with_SMTPUTF8()
    {
        await using var sink = new SmtpSink { Extensions = ["8BITMIME", "SMTPUTF8", "PIPELINING"] };

        (await SendAsync(sink, "أمل@بلدية.test", "amal@people.test")).ShouldBe([Sent, Sent]);

        sink.Commands.ShouldContain("MAIL FROM:<no-reply@kashif.test> SMTPUTF8");
        sink.Commands.ShouldContain("MAIL FROM:<no-reply@kashif.test>");
        sink.To("أمل@بلدية.test").ShouldHaveSingleItem().Raw.ShouldContain("To: أمل@بلدية.test");
    }

    [Theory]
    [InlineData]
    [InlineData("SMTPUTF8")] // RFC 6531 section 3.1 requires 8BITMIME too.
    public async Task A_non_ASCII_local_part_is_refused_without_SMTPUTF8(params string[] extensions)
    {
        await using var sink = new SmtpSink { Extensions = extensions };

        (await SendAsync(sink, "أمل@people.test", "amal@people.test")).ShouldBe([new SendOutcome(SendResult.Refused, "smtputf8_not_offered"), Sent]);

        sink.Commands.Count(line => line.StartsWith("RCPT")).ShouldBe(1);
    }

    [Theory]
    [InlineData]
    [InlineData("8BITMIME", "SMTPUTF8")]
    public async Task A_non_ASCII_domain_is_sent_to_any_server(params string[] extensions)
    {
        await using var sink = new SmtpSink { Extensions = extensions };

        (await SendAsync(sink, "amal@بلدية.test", "amal@xn--hgbc7a9b.test")).ShouldBe([Sent, Sent]);

        sink.Commands.Where(line => line.StartsWith("MAIL")).ShouldAllBe(line => line == "MAIL FROM:<no-reply@kashif.test>");
        sink.Received.Select(mail => mail.To).ShouldBe(["amal@xn--ngbcr7f5a.test", "amal@xn--hgbc7a9b.test"]);
        sink.Received.ShouldAllBe(mail => mail.Raw.All(char.IsAscii));
    }

    [Fact]
    public async Task A_line_break_in_a_subject_does_not_start_a_header()
    {
        await using var sink = new SmtpSink();

        var mail = new Mail(1, "amal@people.test", "Hello \ud800\r\nBcc: evil@people.test\r\n\r\nBody", "text", "html");
        (await SendAsync(sink, new SmtpOptions(), [mail])).ShouldBe([Sent]);

        var received = sink.Received.ShouldHaveSingleItem();
        received.Header("Bcc").ShouldBeNull();
        received.Header("Subject").ShouldBe("Hello \ufffd  Bcc: evil@people.test    Body");
        received.Text.ShouldBe("text");
    }

    [Fact]
    public async Task A_subject_is_not_decoded_twice()
    {
        await using var sink = new SmtpSink();

        (await SendAsync(sink, new SmtpOptions(), [new Mail(1, "amal@people.test", "About =?utf-8?Q?=0d=0aBcc:_x@y.z?=", "text", "html")])).ShouldBe([Sent]);

        sink.Received.ShouldHaveSingleItem().Header("Subject").ShouldBe("About =\u2060?utf-8?Q?=0d=0aBcc:_x@y.z?=");
    }

    [Theory]
    [InlineData("StartTls", false)]
    [InlineData("Tls", true)]
    public async Task Login_and_mail_are_sent_only_encrypted(string security, bool implicitTls)
    {
        using var certificate = MakeCertificate();
        await using var sink = new SmtpSink { Certificate = certificate, IsImplicitTls = implicitTls, Login = ("kashif", "a good password") };
        var options = new SmtpOptions { Security = security, User = "kashif", Password = "a good password" };

        (await SendAsync(sink, options, [MailTo(1, "amal@people.test")], certificate)).ShouldBe([Sent]);

        sink.Commands[implicitTls ? 0 : 1].ShouldBe(implicitTls ? sink.Commands.First(line => line.StartsWith("EHLO")) : "STARTTLS");
        sink.Received.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("StartTls", false)]
    [InlineData("Tls", true)]
    public async Task An_untrusted_certificate_stops_before_login_and_mail(string security, bool implicitTls)
    {
        using var certificate = MakeCertificate();
        await using var sink = new SmtpSink { Certificate = certificate, IsImplicitTls = implicitTls };

        (await SendAsync(sink, new SmtpOptions { Security = security }, [MailTo(1, "amal@people.test")])).ShouldBe([Unreachable]);

        sink.Connections.ShouldBe(1);
        sink.Commands.ShouldAllBe(line => line.StartsWith("EHLO") || line == "STARTTLS");
    }

    /// <param name="to">Addresses, or names at <c>people.test</c>.</param>
    private static Task<IReadOnlyList<SendOutcome>> SendAsync(SmtpSink sink, params string[] to) =>
        SendAsync(sink, new SmtpOptions(), [.. to.Select((name, id) => MailTo(id, name.Contains('@') ? name : $"{name}@people.test"))]);

    private static async Task<IReadOnlyList<SendOutcome>> SendAsync(SmtpSink sink, SmtpOptions options, Mail[] mails, X509Certificate2? trusted = null, Func<SmtpClient>? newClient = null)
    {
        options.Host = "127.0.0.1";
        options.Port = $"{sink.Port}";
        options.From ??= "Kashif <no-reply@kashif.test>";
        options.Security ??= "None";
        var sender = new SmtpMailSender(
            newClient ?? (() => trusted is null ? new SmtpClient() : new SmtpClient { ServerCertificateValidationCallback = (_, shown, _, _) => trusted.Equals(shown) }),
            Options.Create(options), TimeProvider.System, NullLogger<SmtpMailSender>.Instance);
        var outcomes = await sender.SendAsync(mails, Cancel);
        outcomes.Select(outcome => outcome.ProviderId).ShouldBe(
            outcomes.Zip(mails, (outcome, mail) => outcome.Result is SendResult.Sent ? $"delivery-{mail.Id}@kashif.test" : null));
        return [.. outcomes.Select(outcome => outcome with { ProviderId = null })];
    }

    /// <summary>Fails for one address, like MailKit for a message that the server's extensions do not allow.</summary>
    private sealed class OddClient : SmtpClient
    {
        public const string Odd = "odd@people.test";

        public override Task<string> SendAsync(
            FormatOptions options, MimeMessage message, MailboxAddress sender, IEnumerable<MailboxAddress> recipients,
            CancellationToken cancellationToken = default, ITransferProgress? progress = null) =>
            message.To.Mailboxes.Single().Address == Odd
                ? Task.FromException<string>(new NotSupportedException())
                : base.SendAsync(options, message, sender, recipients, cancellationToken, progress);
    }

    private static Mail MailTo(long id, string to) => new(id, to, "Hello", "text", "html");

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
    }
}
