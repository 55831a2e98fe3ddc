using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Kashif.Gateway.Perimeter;

/// <summary>Section <c>Gateway</c>.</summary>
internal sealed class GatewayOptions : IValidatableObject
{
    public const string Section = "Gateway";

    /// <summary>
    /// Addresses and networks of the proxies in front of the gateway, whose <c>X-Forwarded-For</c> and
    /// <c>X-Forwarded-Proto</c> are trusted. None by default. An entry may be a list (<see cref="ProxyNetworks"/>).
    /// </summary>
    public string[] TrustedProxies { get; set; } = [];

    internal IEnumerable<IPNetwork> Networks() => Entries().Select(entry => entry.Network
        ?? throw new InvalidOperationException($"{Section}:{nameof(TrustedProxies)} {ProxyNetworks.FaultOf(entry.Text)}"));

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => Entries()
        .Where(entry => entry.Network is null)
        .Select(entry => new ValidationResult($"{Section}:{nameof(TrustedProxies)} {ProxyNetworks.FaultOf(entry.Text)}"));

    private IEnumerable<(string Text, IPNetwork? Network)> Entries() => TrustedProxies.SelectMany(ProxyNetworks.Of);
}
