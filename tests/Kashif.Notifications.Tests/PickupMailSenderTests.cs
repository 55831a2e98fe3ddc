using System.Text;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Templates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Tests;

public sealed class PickupMailSenderTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kashif-mail-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Each_mail_becomes_a_file_and_an_invalid_address_is_refused()
    {
        var outcomes = await Sender().SendAsync([MailTo(1, "amal@people.test"), MailTo(2, "x@\ud800.test"), MailTo(3, "أمل@people.test")], Cancel);

        outcomes.ShouldBe([SentAs(1), new SendOutcome(SendResult.Refused, "invalid_address"), SentAs(3)]);
        var mails = _directory.GetFiles().Select(file => new ReceivedMail(file.Extension, File.ReadAllText(file.FullName, Encoding.UTF8))).ToArray();
        mails.Select(mail => mail.To).ShouldBe([".eml", ".eml"]);
        mails.Select(mail => mail.Header("To")).ShouldBe(["amal@people.test", "أمل@people.test"], ignoreOrder: true);
        mails.ShouldAllBe(mail => mail.Text == "text" && mail.Html == "html" && mail.Raw.Contains("\r\n"));
    }

    [Fact]
    public async Task A_failed_write_is_retried()
    {
        var sender = Sender();
        _directory.Delete();

        (await sender.SendAsync([MailTo(1, "amal@people.test")], Cancel)).ShouldBe([new SendOutcome(SendResult.Retry, "pickup_failed")]);

        _directory.Create();
        (await sender.SendAsync([MailTo(1, "amal@people.test")], Cancel)).ShouldBe([SentAs(1)]);
    }

    private static SendOutcome SentAs(long id) => new(SendResult.Sent, ProviderId: $"delivery-{id}@kashif.local");

    private PickupMailSender Sender() => new(
        Options.Create(new SmtpOptions { PickupDirectory = _directory.FullName }), TimeProvider.System, NullLogger<PickupMailSender>.Instance);

    private static Mail MailTo(long id, string to) => new(id, to, "Hello", "text", "html");
}
