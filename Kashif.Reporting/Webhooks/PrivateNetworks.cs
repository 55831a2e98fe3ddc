using System.Net;
using System.Net.Sockets;

namespace Kashif.Reporting.Webhooks;

/// <summary>Addresses that are not on the public internet: https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 counterpart.</summary>
internal static class PrivateNetworks
{
    private static readonly IPNetwork[] V4 =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>All public addresses of IPv6.</summary>
    private static readonly IPNetwork Unicast = IPNetwork.Parse("2000::/3");

    // Teredo and 6to4 contain an IPv4 address, which may be private.
    private static readonly IPNetwork[] V6 = [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" }.Select(IPNetwork.Parse)];

    public static bool Contain(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily is AddressFamily.InterNetwork
            ? V4.Any(network => network.Contains(plain))
            : !Unicast.Contains(plain) || V6.Any(network => network.Contains(plain));
    }
}
