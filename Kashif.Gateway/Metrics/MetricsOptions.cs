using System.Net;

namespace Kashif.Gateway.Metrics;

/// <summary>Section <c>Gateway:Metrics</c>: access to the gateway's <c>/metrics</c>.</summary>
internal sealed class MetricsOptions
{
    public const string Section = "Gateway:Metrics";

    private static readonly string[] Private =
        ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"];

    /// <summary>The networks of the scrapers in CIDR form; null means loopback and private networks.</summary>
    public string[]? Networks { get; set; }

    public IEnumerable<IPNetwork> Parsed => (Networks ?? Private).Select(IPNetwork.Parse);

    public bool IsValid => (Networks ?? []).All(network => IPNetwork.TryParse(network, out _));
}
