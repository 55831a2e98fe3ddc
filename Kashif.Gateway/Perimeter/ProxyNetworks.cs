using System.Net;

namespace Kashif.Gateway.Perimeter;

/// <summary>A list of proxies as text: addresses and networks, separated by commas or spaces. The AppHost checks its parameter with it too.</summary>
internal static class ProxyNetworks
{
    private static readonly char[] Separators = [',', ' '];

    /// <returns>Null for an entry that is neither an address nor a network.</returns>
    public static IEnumerable<(string Text, IPNetwork? Network)> Of(string list) => list
        .Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(text => (text, Parse(text)));

    public static string FaultOf(string text) => $"contains '{text}', which is not an address such as 10.0.0.5 or a network such as 10.0.0.0/8.";

    private static IPNetwork? Parse(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;
}
