using System.Net;
using System.Net.Sockets;

namespace Kashif.Gateway.Perimeter;

/// <summary>
/// Warns once of a proxy that is not trusted: all its clients are one address and share each rate limit, which nothing else shows until
/// the limits are used up.
/// </summary>
internal static partial class ProxyWarning
{
    private const int AddressBytes = 3;
    private const int AddressBytesIPv6 = 6;

    /// <summary>Not in Development, where nothing is in front of the gateway. Before the headers are read and removed.</summary>
    /// <param name="trusted">The networks of the trusted proxies.</param>
    public static void UseProxyWarning(this WebApplication app, IPNetwork[] trusted)
    {
        if (app.Environment.IsDevelopment())
        {
            return;
        }

        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ProxyWarning).FullName ?? "");
        var warned = false;
        app.Use((context, next) =>
        {
            if (!warned && IsForwarded(context.Request.Headers) && PeerOf(context) is { } peer
                && !Array.Exists(trusted, network => network.Contains(peer)) && !Interlocked.Exchange(ref warned, true))
            {
                NotTrusted(logger, NetworkOf(peer));
            }

            return next(context);
        });
    }

    private static bool IsForwarded(IHeaderDictionary headers) => headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Forwarded");

    private static IPAddress? PeerOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;

    /// <summary>Without the end of the address: the peer may be a person's device that sends the header itself.</summary>
    private static IPNetwork NetworkOf(IPAddress peer)
    {
        var bytes = peer.GetAddressBytes();
        var kept = peer.AddressFamily is AddressFamily.InterNetwork ? AddressBytes : AddressBytesIPv6;
        bytes.AsSpan(kept).Clear();
        return new IPNetwork(new IPAddress(bytes), kept * 8);
    }

    [LoggerMessage(EventId = 7201, Level = LogLevel.Warning, Message =
        "A proxy in {Network} is not in Gateway:TrustedProxies: all clients behind it count as one address and share its rate limits. "
        + "Set Gateway:TrustedProxies (the AppHost's parameter trusted-proxies) to the proxy's address or network. "
        + "If you have no proxy there, a client has sent X-Forwarded-For or Forwarded itself, and nothing is to be done. This warning comes once")]
    private static partial void NotTrusted(ILogger logger, IPNetwork network);
}
