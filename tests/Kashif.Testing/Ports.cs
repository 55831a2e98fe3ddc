using System.Net;
using System.Net.Sockets;

namespace Kashif.Testing;

/// <summary>Ports for processes that tests start.</summary>
public static class Ports
{
    /// <returns>A free port. The system takes the ports of outgoing connections from higher numbers.</returns>
    public static int Free()
    {
        while (true)
        {
            var port = Random.Shared.Next(10_000, 30_000);
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
}
