using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;

namespace Kashif;

/// <summary>Chooses and checks the fixed ports before any resource starts.</summary>
internal static class Ports
{
    private const string GatewayPort = "Parameters:gateway-port";
    private const int DefaultGatewayPort = 8000;

    // Below the ephemeral port ranges of Linux and macOS: an outgoing connection could take such a port before the gateway does.
    private const int LowestFree = 10_000;
    private const int HighestFree = 30_000;

    /// <summary>Moves the dashboard's addresses of the launch profile off taken ports, so that several checkouts can run.</summary>
    public static void MoveDashboardOffTakenPorts()
    {
        foreach (var variable in new[] { "ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL" })
        {
            if (Uri.TryCreate(Environment.GetEnvironmentVariable(variable), UriKind.Absolute, out var address) && !IsFree(address.Port))
            {
                Environment.SetEnvironmentVariable(variable, new UriBuilder(address) { Port = FindFree() }.Uri.GetLeftPart(UriPartial.Authority));
            }
        }
    }

    /// <returns>The parameter <c>gateway-port</c>, or a free port if it is 0.</returns>
    /// <exception cref="DistributedApplicationException">The port is taken or invalid.</exception>
    public static int ForGateway(this IDistributedApplicationBuilder builder)
    {
        var text = builder.Configuration[GatewayPort];
        var port = DefaultGatewayPort;
        if (!string.IsNullOrEmpty(text) && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort))
        {
            throw new DistributedApplicationException(
                $"Parameters__gateway-port is '{text}'. Set it to a port number, or 0 for a free port.");
        }

        if (port == 0)
        {
            return FindFree();
        }

        return builder.ExecutionContext.IsPublishMode || IsFree(port)
            ? port
            : throw new DistributedApplicationException(
                $"Port {port} is taken{HolderOf(port)}. Free it, or use another port: Parameters__gateway-port=8080 (0 for a free port).");
    }

    private static int FindFree()
    {
        var port = Random.Shared.Next(LowestFree, HighestFree);
        while (!IsFree(port))
        {
            port = Random.Shared.Next(LowestFree, HighestFree);
        }

        return port;
    }

    private static bool IsFree(int port) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().All(listener => listener.Port != port) && CanBind(port);

    private static bool CanBind(int port)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <returns>" by 'name' (process 123)", or an empty string if unknown. Linux only.</returns>
    private static string HolderOf(int port)
    {
        try
        {
            // /proc/net/tcp: "sl local_address rem_address st … inode". Addresses are hex ("0100007F:1F40"), state 0A is LISTEN.
            var suffix = $":{port:X4}";
            var sockets = new[] { "/proc/net/tcp", "/proc/net/tcp6" }.Where(File.Exists).SelectMany(File.ReadLines)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(columns => columns.Length > 9 && columns[3] == "0A" && columns[1].EndsWith(suffix, StringComparison.Ordinal))
                .Select(columns => $"socket:[{columns[9]}]").ToHashSet();
            foreach (var process in System.Diagnostics.Process.GetProcesses().Where(process => sockets.Count > 0 && Holds(process.Id, sockets)))
            {
                return $" by '{process.ProcessName}' (process {process.Id})";
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // /proc is not readable, or the process has ended.
        }

        return "";
    }

    private static bool Holds(int process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{process}/fd").Any(file => sockets.Contains(new FileInfo(file).LinkTarget ?? ""));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // the process belongs to another user or has ended
        }
    }
}
