using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Kashif.Testing;

namespace Kashif.Deployment.Tests;

/// <summary>A service as a process of its own. Without further settings it runs in Production.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(5);
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private ServiceProcess(Process process, Uri address, HttpMessageHandler? handler)
    {
        _process = process;
        Client = new HttpClient(handler ?? new SocketsHttpHandler()) { BaseAddress = address };
        DataReceivedEventHandler collect = (_, line) => _output.Enqueue(line.Data ?? "");
        process.OutputDataReceived += collect;
        process.ErrorDataReceived += collect;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress ?? throw new InvalidOperationException("No address.");

    public string Output => string.Join('\n', _output);

    /// <param name="service">From <see cref="ResourceNames"/>.</param>
    /// <param name="port">The port of an earlier process; 0 for a free one.</param>
    public static ServiceProcess Start(string service, IReadOnlyDictionary<string, string> settings, int port = 0)
    {
        var address = new Uri($"http://127.0.0.1:{(port == 0 ? Ports.Free() : port)}");
        var all = new Dictionary<string, string>(settings);
        all.TryAdd("ASPNETCORE_URLS", address.AbsoluteUri);
        return new ServiceProcess(Start(service, all, []), address, null);
    }

    /// <summary>Starts a service whose settings have its addresses.</summary>
    public static ServiceProcess StartAt(Uri address, string service, IReadOnlyDictionary<string, string> settings, HttpMessageHandler? handler = null) =>
        new(Start(service, settings, []), address, handler);

    /// <summary>Runs a command of a service.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string service, IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        await using var process = new ServiceProcess(Start(service, settings, arguments), new Uri("http://none"), null);
        return (await process.EndAsync(), process.Output);
    }

    /// <summary>Waits until the service serves.</summary>
    public async Task<ServiceProcess> HealthyAsync(string path = "/health")
    {
        await Eventually.TrueAsync(
            async () => _process.HasExited ? throw new InvalidOperationException($"The service ended:\n{Output}") : await StatusAsync(path) == HttpStatusCode.OK,
            () => $"{path} of the service:\n{Output}", LongestRun);
        return this;
    }

    /// <returns>Null while the service does not listen.</returns>
    public async Task<HttpStatusCode?> StatusAsync(string path)
    {
        try
        {
            using var response = await Client.GetAsync(path);
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>SIGTERM, as every orchestrator stops a process.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(LongestRun);
        return _process.ExitCode;
    }

    public Task<int> StopAsync()
    {
        Terminate();
        return EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }


    private static Process Start(string service, IReadOnlyDictionary<string, string> settings, string[] arguments)
    {
        var project = $"Kashif.{char.ToUpperInvariant(service[0])}{service[1..]}";
        var directory = Path.Combine(Repository.Root, project, "bin", Configuration, "net10.0");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(directory, $"{project}.dll"), .. arguments])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] ours = ["ASPNETCORE_", "DOTNET_ENVIRONMENT", "OTEL_"];
        foreach (var name in start.Environment.Keys.Where(name => Array.Exists(ours, prefix => name.StartsWith(prefix, StringComparison.Ordinal))).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start) ?? throw new InvalidOperationException("No process.");
    }
}
