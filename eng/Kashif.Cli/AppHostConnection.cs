using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using StreamJsonRpc;

namespace Kashif.Cli;

/// <summary>
/// A connection to the AppHost that runs from this checkout, over the Unix socket that Aspire opens for the <c>aspire</c> CLI. The methods
/// and types match Aspire's <c>AuxiliaryBackchannelRpcTarget</c>:
/// https://github.com/microsoft/aspire/blob/main/src/Aspire.Hosting/Backchannel/AuxiliaryBackchannelRpcTarget.cs
/// </summary>
internal sealed class AppHostConnection : IDisposable
{
    private const string Program = "Kashif.AppHost";
    private static readonly string Project = Path.GetFullPath("Kashif.AppHost/Kashif.AppHost.csproj");

    private readonly JsonRpc _rpc;

    private AppHostConnection(JsonRpc rpc, int processId)
    {
        _rpc = rpc;
        ProcessId = processId;
    }

    public int ProcessId { get; }

    /// <exception cref="CliException">No AppHost runs from this checkout.</exception>
    public static async Task<AppHostConnection> OpenAsync() =>
        await TryOpenAsync() ?? throw new CliException("Kashif is not running here. Start it with ./kashif run.");

    /// <param name="processId">The AppHost's process id, or null for any AppHost of this checkout.</param>
    /// <returns>Null if the AppHost is not running or has not opened its socket yet.</returns>
    public static async Task<AppHostConnection?> TryOpenAsync(int? processId = null)
    {
        var directory = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aspire", "cli");
        if (!Directory.Exists(directory))
        {
            return null;
        }

        // The socket's name ends with the process id: "bch/iYRUTJ84DZQq5U0Ipn3.15808".
        foreach (var path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            if (int.TryParse(Path.GetExtension(path).TrimStart('.'), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && id == (processId ?? id)
                && await TryOpenAsync(path, id) is { } connection)
            {
                return connection;
            }
        }

        return null;
    }

    public Task<ResourceSnapshot[]> ResourcesAsync() => _rpc.InvokeAsync<ResourceSnapshot[]>("GetResourceSnapshotsAsync");

    public Task<IAsyncEnumerable<ResourceSnapshot>> WatchResourcesAsync() => _rpc.InvokeAsync<IAsyncEnumerable<ResourceSnapshot>>("WatchResourceSnapshotsAsync");

    /// <returns>The dashboard's login URL, or null without a dashboard.</returns>
    public async Task<string?> DashboardAsync() => (await _rpc.InvokeAsync<DashboardUrls>("GetDashboardUrlsAsync")).BaseUrlWithLoginToken;

    public Task<IAsyncEnumerable<LogLine>> LogsAsync(string? resource, bool follow) =>
        _rpc.InvokeAsync<IAsyncEnumerable<LogLine>>("GetResourceLogsAsync", resource, follow);

    /// <summary>Runs a resource command, like a button on the dashboard.</summary>
    /// <param name="arguments">By name.</param>
    /// <returns>The command's result.</returns>
    /// <exception cref="CliException">The command failed.</exception>
    public async Task<string> ExecuteAsync(string resource, string command, IReadOnlyDictionary<string, string>? arguments = null)
    {
        var response = await _rpc.InvokeAsync<CommandResponse>(
            "ExecuteResourceCommandAsync", new { ResourceName = resource, CommandName = command, Arguments = arguments, NonInteractive = true });
        return response.Success
            ? response.Value?.Value ?? ""
            : throw new CliException($"{command} of {resource} failed: {response.ErrorMessage ?? response.Message}\n{WithoutStackTrace(response.Value?.Value ?? "")}".TrimEnd());
    }

    public Task StopAsync() => _rpc.InvokeAsync("StopAppHostAsync");

    public void Dispose() => _rpc.Dispose();

    private static async Task<AppHostConnection?> TryOpenAsync(string path, int processId)
    {
        if (!await IsAppHostAsync(processId))
        {
            return null;
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null; // a killed AppHost left its socket
        }

        var formatter = new SystemTextJsonFormatter { JsonSerializerOptions = new JsonSerializerOptions(JsonSerializerDefaults.Web) };
        var rpc = new JsonRpc(new HeaderDelimitedMessageHandler(new NetworkStream(socket, ownsSocket: true), formatter));
        var connection = new AppHostConnection(rpc, processId);
        try
        {
            rpc.StartListening();
            if (Path.GetFullPath((await rpc.InvokeAsync<AppHostInformation>("GetAppHostInformationAsync")).AppHostPath) == Project)
            {
                return connection;
            }
        }
        catch (ConnectionLostException)
        {
            // The AppHost has ended meanwhile.
        }

        connection.Dispose();
        return null;
    }

    /// <returns>False if the process has ended, or is a test of this checkout that hosts an AppHost.</returns>
    private static async Task<bool> IsAppHostAsync(int processId)
    {
        if (!Directory.Exists("/proc"))
        {
            return true;
        }

        try
        {
            return (await File.ReadAllTextAsync($"/proc/{processId}/comm")).Trim() == Program;
        }
        catch (IOException)
        {
            return false; // it ended before or during the read
        }
    }

    private static string WithoutStackTrace(string output) => string.Join('\n', output.Split('\n')
        .Where(line => !line.StartsWith("   at ", StringComparison.Ordinal) && !line.TrimStart().StartsWith("--- End of", StringComparison.Ordinal)));

    private sealed record AppHostInformation(string AppHostPath);

    private sealed record DashboardUrls(string? BaseUrlWithLoginToken);

    private sealed record CommandResponse(bool Success, string? ErrorMessage, string? Message, CommandValue? Value);

    private sealed record CommandValue(string Value);
}

/// <param name="Name">With a unique suffix. <paramref name="DisplayName"/> is the name in AppHost.cs.</param>
internal sealed record ResourceSnapshot(string Name, string? DisplayName, string? ResourceType, string? State, string? HealthStatus, int? ExitCode, ResourceUrl[]? Urls, bool IsHidden)
{
    public string Title => DisplayName ?? Name;

    public bool IsParameter => ResourceType == "Parameter";

    public bool IsHealthy => State == "Running" && HealthStatus is null or "Healthy";

    /// <summary>An external server.</summary>
    public bool IsUnreachable => ResourceType == "ConnectionString" && HealthStatus == "Unhealthy";

    public bool HasFailed => State is "FailedToStart" or "Exited" or "Finished" or "RuntimeUnhealthy";
}

internal sealed record ResourceUrl(string? Name, string Url, bool IsInternal, UrlDisplay? DisplayProperties);

internal sealed record UrlDisplay(string? DisplayName);

internal sealed record LogLine(string ResourceName, string Content);

/// <summary>An error that the user can fix. Only its message is shown.</summary>
internal sealed class CliException(string message) : Exception(message);
