using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Kashif.Gateway.Perimeter;

/// <summary>Section <c>Gateway</c>.</summary>
internal sealed class GatewayOptions : IValidatableObject
{
    public const string Section = "Gateway";

    /// <summary>
    /// Addresses and networks of the proxies in front of the gateway, whose <c>X-Forwarded-For</c> and
    /// <c>X-Forwarded-Proto</c> are trusted. None by default.
    /// </summary>
    public string[] TrustedProxies { get; set; } = [];

    internal IEnumerable<IPNetwork> Networks() => TrustedProxies.Select(text => Parse(text)
        ?? throw new InvalidOperationException($"Gateway:TrustedProxies contains '{text}'."));

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => TrustedProxies
        .Where(text => Parse(text) is null)
        .Select(text => new ValidationResult(
            $"Gateway:TrustedProxies contains '{text}', which is not an address such as 10.0.0.5 or a network such as 10.0.0.0/8."));

    private static IPNetwork? Parse(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;
}
