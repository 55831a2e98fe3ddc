using System.Net;
using System.Net.Sockets;

namespace Kashif.Testing;

/// <summary>Ports for processes that tests start.</summary>
public static class Ports
{
    // A port is taken some time after it was free. So no other chooses from these: the AppHost takes lower ones, and the system takes those of outgoing connections
    // from 32,768. A test process has a share of them, which it claims by listening on the first port of it, and uses none twice.
    private const int Lowest = 30_000;
    private const int Shares = 16;
    private const int Share = 172;

    private static readonly TcpListener Claim = ClaimShare(); // until the process ends
    private static int _last = Random.Shared.Next(Share);

    /// <returns>A free port.</returns>
    public static int Free()
    {
        while (true)
        {
            var port = ((IPEndPoint)Claim.LocalEndpoint).Port + 1 + ((Interlocked.Increment(ref _last) & int.MaxValue) % (Share - 1));
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: the next one.
            }
        }
    }

    private static TcpListener ClaimShare()
    {
        for (var share = Environment.ProcessId; ; share++)
        {
            var claim = new TcpListener(IPAddress.Loopback, Lowest + (share % Shares * Share));
            try
            {
                claim.Start();
                return claim;
            }
            catch (SocketException)
            {
                claim.Dispose();
            }
        }
    }
}
