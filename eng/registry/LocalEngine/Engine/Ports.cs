using System.Net;
using System.Net.Sockets;

namespace Kashif.LocalEngine;

/// <summary>
/// Free loopback ports, kept for as long as the application lives. A port is held by a socket that is bound and never listens: the
/// system gives it to nobody else, neither to another engine nor to an outgoing connection, and yet the server for which it is meant
/// can listen on it, as often as it restarts, because servers set SO_REUSEADDR.
/// </summary>
internal sealed class Ports : IDisposable
{
    private readonly List<Socket> _held = [];

    public int Take()
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var v4 = Bind(IPAddress.Loopback, 0);
            var port = ((IPEndPoint)v4!.LocalEndPoint!).Port;

            // `localhost` is both families for a .NET server.
            var v6 = Socket.OSSupportsIPv6 ? Bind(IPAddress.IPv6Loopback, port) : null;
            if (v6 is null && Socket.OSSupportsIPv6)
            {
                v4.Dispose();
                continue;
            }

            if (OperatingSystem.IsLinux())
            {
                _held.Add(v4);
                if (v6 is not null)
                {
                    _held.Add(v6);
                }
            }
            else
            {
                v4.Dispose();
                v6?.Dispose();
            }

            return port;
        }

        throw new InvalidOperationException("There is no free port on this machine.");
    }

    /// <summary>Whether a server could listen on a port that is asked for by number.</summary>
    public static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var socket in _held)
        {
            socket.Dispose();
        }

        _held.Clear();
    }

    private static Socket? Bind(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch (SocketException e) when (port != 0 || e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            socket.Dispose();
            return null;
        }
    }
}
