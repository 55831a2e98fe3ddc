using System.Net;
using System.Net.Sockets;

namespace Kashif.Http;

/// <summary>By what a client without a name is counted.</summary>
public static class ClientNetwork
{
    private const int NetworkBytes = 8;

    /// <summary>The IPv4 address; of IPv6 the /64 network in hexadecimal, of which everybody has all addresses.</summary>
    public static string Of(IPAddress? address) => address switch
    {
        null => "none",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, NetworkBytes)),
        _ => address.ToString(),
    };
}
