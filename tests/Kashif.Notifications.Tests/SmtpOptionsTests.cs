using Kashif.Notifications.Delivery;
using MailKit.Security;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Tests;

public sealed class SmtpOptionsTests
{
    [Theory]
    [InlineData("Smtp:Host", "https://mail.test")]
    [InlineData("Smtp:Host", "mail.test:587")]
    [InlineData("Smtp:Port", "0")]
    [InlineData("Smtp:Port", "65536")]
    [InlineData("Smtp:Port", "smtp")]
    [InlineData("Smtp:Port", "58.7")]
    [InlineData("Smtp:From", "")]
    [InlineData("Smtp:From", "nonsense")]
    [InlineData("Smtp:From", "kashif@")]
    [InlineData("Smtp:From", "a@kashif.test, b@kashif.test")]
    [InlineData("Smtp:From", "Kashif <no-reply@kashif.test")]
    [InlineData("Smtp:From", "Kashif\r\nBcc: <no-reply@kashif.test>")]
    [InlineData("Smtp:From", "كاشف@kashif.test")]
    [InlineData("Smtp:From", "no-reply@بلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلديةبلدية.test")]
    [InlineData("Smtp:Security", "Ssl")]
    [InlineData("Smtp:Security", "2")]
    [InlineData("Smtp:Security", "StartTls", "Smtp:Port", "465")]
    [InlineData("Smtp:Password", "", "Smtp:User", "kashif")]
    [InlineData("Smtp:User", "", "Smtp:Password", "secret")]
    [InlineData("Smtp:Timeout", "00:02:00")]
    public void An_invalid_setting_fails_validation_with_its_name(string name, string value, string? second = null, string? secondValue = null)
    {
        var settings = Working();
        settings[name] = value;
        settings[second ?? name] = secondValue ?? value;

        var refusal = Should.Throw<OptionsValidationException>(() => Bind(settings));

        refusal.Failures.ShouldHaveSingleItem().ShouldContain(name);
        refusal.Message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData(null, null, 587, SecureSocketOptions.StartTls)]
    [InlineData("", "", 587, SecureSocketOptions.StartTls)]
    [InlineData("25", null, 25, SecureSocketOptions.StartTls)]
    [InlineData("465", null, 465, SecureSocketOptions.SslOnConnect)]
    [InlineData("2465", "tls", 2465, SecureSocketOptions.SslOnConnect)]
    [InlineData("587", "StartTls", 587, SecureSocketOptions.StartTls)]
    [InlineData("1025", "None", 1025, SecureSocketOptions.None)]
    public void Without_a_setting_the_port_selects_the_encryption(string? port, string? security, int expectedPort, SecureSocketOptions expected)
    {
        var settings = Working();
        settings["Smtp:Port"] = port;
        settings["Smtp:Security"] = security;

        var options = Bind(settings);

        options.PortNumber.ShouldBe(expectedPort);
        options.Encryption.ShouldBe(expected);
    }

    [Theory]
    [InlineData("no-reply@kashif.test")]
    [InlineData("\"Kashif, city of ...\" <no-reply@kashif.test>")]
    [InlineData("كاشف <no-reply@kashif.test>")]
    [InlineData("Kashif <no-reply@بلدية.test>")]
    public void A_sender_may_have_a_display_name(string from)
    {
        var settings = Working();
        settings["Smtp:From"] = from;

        Bind(settings).Sender.LocalPart.ShouldBe("no-reply");
    }

    private static Dictionary<string, string?> Working() => new() { ["Smtp:Host"] = "mail.test", ["Smtp:From"] = "no-reply@kashif.test" };

    /// <summary>Binds and validates like the service at startup.</summary>
    private static SmtpOptions Bind(Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddOptions<SmtpOptions>().BindConfiguration(SmtpOptions.Section).ValidateDataAnnotations();
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<SmtpOptions>>().Value;
    }
}
