using System.Collections.Immutable;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.LocalEngine;

/// <summary>One running copy of a resource: it waits for what it depends on, starts, is watched, and stops.</summary>
internal sealed class Instance(IResource resource, string id, int index, ILauncher launcher, Orchestrator orchestrator)
{
    private static readonly TimeSpan StartProbeInterval = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, int> _privatePorts = [];
    private readonly SemaphoreSlim _commands = new(1, 1);
    private readonly Lock _lock = new();
    private ImmutableArray<ChildProcess> _processes = [];
    private CancellationTokenSource? _running;
    private Task _run = Task.CompletedTask;

    public IResource Resource { get; } = resource;

    public string Id { get; } = id;

    public ILauncher Launcher { get; } = launcher;

    public Workspace Workspace => orchestrator.Workspace;

    public EngineOptions Options => orchestrator.Options;

    public LogStore Logs => orchestrator.Logs;

    public Supervisor Supervisor => orchestrator.Supervisor;

    public AllocatedEndpoint AddressOf(EndpointAnnotation endpoint) => endpoint.Allocated[index];

    public int PortOf(string endpointName) => AddressOf(Resource.Annotations.OfType<EndpointAnnotation>().Single(e => e.Name == endpointName)).Port;

    /// <summary>A port that only the resource itself uses; the same one at each start.</summary>
    public int PrivatePort(string name)
    {
        if (!_privatePorts.TryGetValue(name, out var port))
        {
            _privatePorts[name] = port = orchestrator.Ports.Take();
        }

        return port;
    }

    /// <summary>Runs a preparing command; its output goes to the log, and its failure is an error.</summary>
    public async Task RunAsync(ProcessSpec spec)
    {
        var exitCode = await Supervisor.RunAsync(spec, Logs.Open(Id, Resource.Name, toConsole: false)).ConfigureAwait(false);
        if (exitCode != 0)
        {
            throw new DistributedApplicationException($"{Path.GetFileName(spec.FileName)} failed with exit code {exitCode}.{Logs.Tail(Id)}");
        }
    }

    /// <summary>The environment that the AppHost gives to the resource, in the order in which it was declared, plus what identifies it in telemetry.</summary>
    public async Task<Dictionary<string, string>> EnvironmentAsync(CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(orchestrator.ExecutionContext, Resource, cancellationToken: cancellationToken);
        orchestrator.Dashboard.AddTelemetry(context.EnvironmentVariables, Resource.Name, Id);
        foreach (var annotation in Resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context).ConfigureAwait(false);
        }

        var environment = new Dictionary<string, string>();
        foreach (var (name, value) in context.EnvironmentVariables)
        {
            var text = value is IValueProvider provider ? await provider.GetValueAsync(cancellationToken).ConfigureAwait(false) : Convert.ToString(value, CultureInfo.InvariantCulture);
            if (text is not null)
            {
                environment[name] = text;
            }
        }

        return environment;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _commands.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_run.IsCompleted)
            {
                // A process that has just been killed is only known to be dead when its last output is read.
                if (_processes is not [.., { HasExited: true }])
                {
                    return;
                }

                await _run.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            _running?.Dispose();
            _running = new();

            // Before this returns: who asks for the start and then waits for health must not see the state of the last run.
            Publish(s => s with { State = KnownResourceStates.Starting, ExitCode = null, Ready = false, StopTimeStamp = null, HealthReports = [] });
            _run = Task.Run(() => RunAsync(_running.Token), CancellationToken.None);
        }
        finally
        {
            _commands.Release();
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => EndAsync(p => p.StopAsync(TimeSpan.FromSeconds(8)), cancellationToken);

    /// <summary>Stops for good. A server whose data are thrown away need not write them first.</summary>
    public Task EndAsync(TimeSpan grace) =>
        EndAsync(p => Options.ThrowAway && Resource is ContainerResource ? p.AbandonAsync(grace) : p.StopAsync(grace), CancellationToken.None);

    private async Task EndAsync(Func<ChildProcess, Task> end, CancellationToken cancellationToken)
    {
        await _commands.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_run.IsCompleted)
            {
                return;
            }

            Publish(s => s with { State = KnownResourceStates.Stopping });
            await (_running?.CancelAsync() ?? Task.CompletedTask).ConfigureAwait(false);

            // The resource itself first, its helpers when it no longer needs them.
            for (var processes = _processes; processes.Length > 0; processes = processes[..^1])
            {
                await end(processes[^1]).ConfigureAwait(false);
            }

            await _run.ConfigureAwait(false);
        }
        finally
        {
            _commands.Release();
        }
    }

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync(cancellationToken).ConfigureAwait(false);
        await StartAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            await WaitForDependenciesAsync(stopping).ConfigureAwait(false);
            Publish(s => s with { State = KnownResourceStates.Starting });
            CheckPorts();

            var specs = await Launcher.PrepareAsync(this, stopping).ConfigureAwait(false);
            var onLine = Logs.Open(Id, Resource.Name, Launcher.Chatty);
            foreach (var spec in specs)
            {
                var started = Supervisor.Start(spec, onLine);
                lock (_lock)
                {
                    _processes = _processes.Add(started);
                }

                // A stop that came before this line has not seen the process; one that comes after it has.
                stopping.ThrowIfCancellationRequested();

                while (spec.ReadyPort is { } port && !started.Exited.IsCompleted && !await Probes.ListensAsync(port, stopping).ConfigureAwait(false))
                {
                    await Task.Delay(20, stopping).ConfigureAwait(false);
                }
            }

            var process = _processes[^1];
            PublishRunning(process, specs[^1]);
            using var watching = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            var watch = WatchHealthAsync(watching.Token);
            var exitCode = await process.Exited.ConfigureAwait(false);
            await watching.CancelAsync().ConfigureAwait(false);
            await watch.ConfigureAwait(false);

            Publish(s => s with
            {
                State = Resource is ProjectResource ? KnownResourceStates.Finished : KnownResourceStates.Exited,
                ExitCode = exitCode,
                Ready = false,
                StopTimeStamp = TimeProvider.System.GetUtcNow().UtcDateTime,
            });
            if (!stopping.IsCancellationRequested)
            {
                Logs.Tell(Id, $"ended by itself with exit code {exitCode}.{(Launcher.Chatty ? "" : Logs.Tail(Id))}", isError: exitCode != 0);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Publish(s => s with { State = KnownResourceStates.Exited, Ready = false });
        }
        catch (Exception e)
        {
            Publish(s => s with { State = KnownResourceStates.FailedToStart, Ready = false });
            Logs.Tell(Id, $"failed to start: {e.Message}", isError: true);
        }
        finally
        {
            foreach (var process in _processes.Reverse())
            {
                await process.StopAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
            }

            lock (_lock)
            {
                _processes = [];
            }
        }
    }

    private async Task WaitForDependenciesAsync(CancellationToken stopping)
    {
        var waits = Resource.Annotations.OfType<WaitAnnotation>().ToList();
        if (waits.Count == 0)
        {
            return;
        }

        Publish(s => s with { State = KnownResourceStates.Waiting });
        await Task.WhenAll(waits.Select(w => w.WaitType switch
        {
            WaitType.WaitUntilHealthy => orchestrator.UntilAsync(w.Resource, ResourceNotificationService.IsHealthyAndReady, stopping),
            WaitType.WaitUntilStarted => orchestrator.UntilAsync(w.Resource, s => s.State?.Text == KnownResourceStates.Running, stopping),
            WaitType.WaitForCompletion => CompletionAsync(w, stopping),
            _ => throw new InvalidOperationException($"Unexpected wait type {w.WaitType}."),
        })).ConfigureAwait(false);
    }

    private async Task CompletionAsync(WaitAnnotation wait, CancellationToken stopping) =>
        await orchestrator.UntilAsync(
            wait.Resource,
            s => ResourceNotificationService.IsUnavailable(s) && (s.ExitCode == wait.ExitCode ? true : throw new DistributedApplicationException($"Resource '{wait.Resource.Name}' ended with exit code {s.ExitCode}, expected {wait.ExitCode}.")),
            stopping).ConfigureAwait(false);

    private void CheckPorts()
    {
        foreach (var endpoint in Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.Port == AddressOf(e).Port))
        {
            if (!Ports.IsFree(AddressOf(endpoint).Port))
            {
                throw new DistributedApplicationException($"Port {endpoint.Port} is taken by another process. Stop that one, or give '{Resource.Name}' another port.");
            }
        }
    }

    private void PublishRunning(ChildProcess process, ProcessSpec spec)
    {
        var probes = Resource.Annotations.OfType<ProbeAnnotation>().Select(p => new HealthReportSnapshot(p.Key, Status: null, Description: null, ExceptionText: null));
        Publish(s => s with
        {
            State = KnownResourceStates.Running,
            StartTimeStamp = TimeProvider.System.GetUtcNow().UtcDateTime,
            HealthReports = [.. probes],
            Urls = [.. Resource.Annotations.OfType<EndpointAnnotation>().Select(e => new UrlSnapshot(e.Name, AddressOf(e).UriString, IsInternal: false))],
            Properties =
            [
                new("executable.path", spec.FileName),
                new("executable.workDir", spec.WorkingDirectory),
                new("executable.args", spec.Arguments.ToImmutableArray()) { IsSensitive = true },
                new("executable.pid", process.Id),
            ],
        });
    }

    private async Task WatchHealthAsync(CancellationToken cancellationToken)
    {
        var probes = Resource.Annotations.OfType<ProbeAnnotation>().ToList();
        var completed = false;
        try
        {
            while (true)
            {
                var reports = await Task.WhenAll(probes.Select(p => CheckAsync(p, cancellationToken))).ConfigureAwait(false);
                var healthy = reports.All(r => r.Status == HealthStatus.Healthy);
                if (healthy && !completed)
                {
                    await Launcher.CompleteAsync(this, cancellationToken).ConfigureAwait(false);
                    completed = true;
                }

                Publish(s => s with { HealthReports = [.. reports], Ready = completed });
                await Task.Delay(healthy ? ProbeInterval : StartProbeInterval, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The instance stops.
        }
        catch (Exception e)
        {
            Publish(s => s with { State = KnownResourceStates.RuntimeUnhealthy });
            Logs.Tell(Id, $"runs but could not be completed: {e.Message}", isError: true);
        }
    }

    private async Task<HealthReportSnapshot> CheckAsync(ProbeAnnotation probe, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(ProbeTimeout);
        try
        {
            await probe.CheckAsync(this, timeout.Token).ConfigureAwait(false);
            return new(probe.Key, HealthStatus.Healthy, Description: null, ExceptionText: null) { LastRunAt = TimeProvider.System.GetUtcNow().UtcDateTime };
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return new(probe.Key, HealthStatus.Unhealthy, e.Message, e.ToString()) { LastRunAt = TimeProvider.System.GetUtcNow().UtcDateTime };
        }
    }

    private void Publish(Func<CustomResourceSnapshot, CustomResourceSnapshot> change) => orchestrator.Publish(this, change);
}
