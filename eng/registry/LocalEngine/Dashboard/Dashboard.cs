using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;

namespace Kashif.LocalEngine;

/// <summary>
/// The real Aspire dashboard, from the npm package that carries the Aspire CLI: installed once under <c>.kashif/tools</c>, fed by the
/// services over OTLP. Without npm the application runs without it.
/// </summary>
internal sealed class Dashboard(EngineOptions options, Supervisor supervisor, LogStore logs, IHostEnvironment environment)
{
    private const string Version = "13.5.4";
    private const string Name = "dashboard";

    private readonly string _apiKey = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private readonly string _browserToken = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private int _frontendPort;
    private int _grpcPort;
    private int _httpPort;
    private bool _available;
    private volatile bool _stopping;
    private ChildProcess? _process;

    public string? LoginUrl => _available ? $"http://localhost:{_frontendPort}/login?t={_browserToken}" : null;

    private string Installation => Path.Combine(options.Tools, $"aspire-cli-{Version}");

    private string Program => Path.Combine(Installation, "node_modules", Package, "bin", "aspire");

    private static string Package => $"@microsoft/aspire-cli-{(OperatingSystem.IsMacOS() ? "osx" : "linux")}-{(RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64")}";

    /// <summary>Decides whether there is a dashboard, so that services learn its address before it is up.</summary>
    public void Prepare(Ports ports)
    {
        if (!options.Dashboard)
        {
            return;
        }

        _available = File.Exists(Program) || Executables.Find("npm") is not null;
        if (!_available)
        {
            logs.Tell(Name, "There is no dashboard: it comes from an npm package, and npm is not installed (Debian's package `npm`).");
            return;
        }

        (_frontendPort, _grpcPort, _httpPort) = (ports.Take(), ports.Take(), ports.Take());
    }

    /// <summary>Starts it beside the application, which does not wait for it.</summary>
    public void Start()
    {
        if (_available)
        {
            _ = Task.Run(RunAsync);
        }
    }

    public async Task StopAsync()
    {
        _stopping = true;
        var process = _process;
        if (process is not null)
        {
            await process.StopAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
        }
    }

    /// <summary>The variables that Aspire gives to a resource that exports telemetry.</summary>
    public void AddTelemetry(Dictionary<string, object> variables, string resource, string instance)
    {
        if (!_available)
        {
            return;
        }

        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://localhost:{_grpcPort}";
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={_apiKey}";
        variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={instance}";
        variables["OTEL_SERVICE_NAME"] = resource;
        if (environment.IsDevelopment())
        {
            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        }
    }

    private async Task RunAsync()
    {
        try
        {
            var onLine = logs.Open(Name, Name, toConsole: false);
            if (!File.Exists(Program) && !await InstallAsync(onLine).ConfigureAwait(false))
            {
                logs.Tell(Name, $"There is no dashboard: npm could not install {Package} {Version}.{logs.Tail(Name)}");
                return;
            }

            _process = supervisor.Start(
                new(Program, "dashboard", "run", "--frontend-url", $"http://localhost:{_frontendPort}", "--otlp-grpc-url", $"http://localhost:{_grpcPort}", "--otlp-http-url", $"http://localhost:{_httpPort}", "--non-interactive", "--nologo")
                {
                    Environment = new Dictionary<string, string>
                    {
                        ["HOME"] = Directory.CreateDirectory(Path.Combine(options.Tools, "home")).FullName,
                        ["ASPIRE_CLI_TELEMETRY_OPTOUT"] = "true",
                        ["DASHBOARD__OTLP__AUTHMODE"] = "ApiKey",
                        ["DASHBOARD__OTLP__PRIMARYAPIKEY"] = _apiKey,
                        ["DASHBOARD__API__AUTHMODE"] = "ApiKey",
                        ["DASHBOARD__API__PRIMARYAPIKEY"] = _apiKey,
                        ["DASHBOARD__FRONTEND__AUTHMODE"] = "BrowserToken",
                        ["DASHBOARD__FRONTEND__BROWSERTOKEN"] = _browserToken,
                    },
                    WithoutEnvironment = ["ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"],
                    StopSignal = Signal.Int,
                },
                onLine);
            var exitCode = await _process.Exited.ConfigureAwait(false);
            if (!_stopping)
            {
                logs.Tell(Name, $"The dashboard ended with exit code {exitCode}.{logs.Tail(Name)}");
            }
        }
        catch (Exception e)
        {
            logs.Tell(Name, $"There is no dashboard: {e.Message}");
        }
    }

    private async Task<bool> InstallAsync(Action<string, bool> onLine)
    {
        logs.Tell(Name, $"Installing {Package} {Version} into {options.Tools} (once).");
        var next = $"{Installation}.{Environment.ProcessId}";
        var exitCode = await supervisor.RunAsync(new(Executables.Find("npm")!, "install", "--prefix", next, "--no-audit", "--no-fund", "--no-save", $"{Package}@{Version}"), onLine).ConfigureAwait(false);
        if (exitCode == 0 && !Directory.Exists(Installation))
        {
            Directory.Move(next, Installation);
        }

        Workspace.Delete(next);
        return File.Exists(Program);
    }
}
