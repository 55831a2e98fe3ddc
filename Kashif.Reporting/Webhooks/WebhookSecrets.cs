using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kashif.Security;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Reporting.Webhooks;

/// <summary>The secrets that sign deliveries.</summary>
internal sealed class WebhookSecrets(IOptions<WebhookOptions> options, IConfiguration configuration)
{
    private const string Purpose = "webhook-secrets";

    /// <summary>The prefix of every generated secret, by which secret scanners recognize a leaked one.</summary>
    private const string Marker = "whsec_";

    private readonly byte[] _key = Sealing.DeriveKey(SourceOf(options.Value, configuration) ?? "", Purpose);

    /// <summary>Without it, no webhook can be created.</summary>
    public bool HasKey { get; } = SourceOf(options.Value, configuration) is not null;

    public static string New() => Marker + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public byte[] Seal(Guid webhook, string secret) => Sealing.Seal(_key, Encoding.UTF8.GetBytes(secret), webhook.ToByteArray());

    /// <summary>The value of <c>X-Kashif-Signature</c>. The time in it lets receivers refuse old requests that someone sends again.</summary>
    /// <exception cref="AuthenticationTagMismatchException">The secret was encrypted under another key.</exception>
    public string Sign(Webhook webhook, string payload, DateTimeOffset now)
    {
        var secret = Sealing.Open(_key, webhook.SealedSecret, webhook.Id.ToByteArray());
        try
        {
            var time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            return $"t={time},v1={Convert.ToHexStringLower(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"{time}.{payload}")))}";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static string? SourceOf(WebhookOptions options, IConfiguration configuration) =>
        options.SealingSecret is { Length: > 0 } secret ? secret
        : new NpgsqlConnectionStringBuilder(configuration.GetConnectionString(ResourceNames.ReportingDb)).Password is { Length: > 0 } password ? password
        : null;
}
