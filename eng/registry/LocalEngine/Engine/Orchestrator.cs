using System.Collections.Immutable;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Kashif.LocalEngine;

/// <summary>Starts all resources, each as soon as what it waits for is there, and stops them in the reverse order.</summary>
internal sealed class Orchestrator(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    ResourceNotificationService notifications,
    EngineOptions options,
    Workspace workspace,
    Supervisor supervisor,
    LogStore logs,
    Dashboard dashboard) : IHostedService
{
    // All must be gone ten seconds after Ctrl-C; the servers, which come last, get what the services leave.
    private static readonly TimeSpan ServicesDeadline = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5.5);

    private readonly SemaphoreSlim _stop = new(1, 1);
    private readonly CancellationTokenSource _reporting = new();
    private Task _reporter = Task.CompletedTask;
    private bool _taken;

    public ImmutableArray<Instance> Instances { get; private set; } = [];

    public Ports Ports { get; } = new();

    public DistributedApplicationExecutionContext ExecutionContext => executionContext;

    public EngineOptions Options => options;

    public Workspace Workspace => workspace;

    public Supervisor Supervisor => supervisor;

    public LogStore Logs => logs;

    public Dashboard Dashboard => dashboard;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var launcher in model.Resources.SelectMany(r => r.Annotations.OfType<ILauncher>()))
        {
            launcher.Verify();
        }

        workspace.Take();
        _taken = true;
        try
        {
            GuardAgainstDeath();
            await StartResourcesAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await StopAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!_taken)
            {
                return;
            }

            _taken = false;
            await StopResourcesAsync().ConfigureAwait(false);
            await dashboard.StopAsync().ConfigureAwait(false);
            await _reporting.CancelAsync().ConfigureAwait(false);
            await _reporter.ConfigureAwait(false);
            supervisor.Dispose();
            logs.Dispose();
            workspace.Release();
            Ports.Dispose();
        }
        finally
        {
            _stop.Release();
        }
    }

    /// <summary>Waits until every instance of a resource is in a state.</summary>
    public Task UntilAsync(IResource resource, Func<CustomResourceSnapshot, bool> predicate, CancellationToken cancellationToken)
    {
        var instances = Instances.Where(i => i.Resource == resource).Select(i => i.Id).DefaultIfEmpty(resource.Name);
        return Task.WhenAll(instances.Select(id => notifications.WaitForResourceAsync(resource.Name, e => e.ResourceId == id && predicate(e.Snapshot), cancellationToken)));
    }

    /// <summary>A change of an instance, and of what lives inside it: a database is there when its server is ready.</summary>
    public void Publish(Instance instance, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        notifications.Publish(instance.Resource, instance.Id, change);
        if (!notifications.TryGetCurrentState(instance.Id, out var current))
        {
            return;
        }

        var snapshot = current.Snapshot;
        foreach (var child in model.Resources.Where(r => r is IResourceWithParent { Parent: var parent } && parent == instance.Resource))
        {
            notifications.Publish(child, child.Name, s => s with
            {
                State = snapshot is { State.Text: "Running", Ready: false } ? KnownResourceStates.Starting : snapshot.State,
                HealthReports = [new($"{child.Name}_check", snapshot.HealthStatus ?? HealthStatus.Unhealthy, Description: null, ExceptionText: null)],
                Ready = snapshot.Ready,
            });
        }
    }

    /// <summary>Whether all that was started is healthy.</summary>
    public bool AllHealthy => Instances
        .Where(i => !i.Resource.Annotations.OfType<ExplicitStartupAnnotation>().Any())
        .All(i => notifications.TryGetCurrentState(i.Id, out var e) && ResourceNotificationService.IsHealthyAndReady(e.Snapshot));

    private void GuardAgainstDeath()
    {
        // The files first: they are deleted when the engine is killed, and the first line starts the guardian.
        foreach (var path in workspace.ThrowAway)
        {
            supervisor.DeleteAfterDeath(path);
        }

        workspace.RecordGuardian(supervisor.GuardianId!.Value);
    }

    private async Task StartResourcesAsync(CancellationToken cancellationToken)
    {
        Instances =
        [
            .. from resource in model.Resources
               from launcher in resource.Annotations.OfType<ILauncher>()
               let replicas = resource.GetReplicaCount()
               from index in Enumerable.Range(0, replicas)
               select new Instance(resource, replicas == 1 ? resource.Name : $"{resource.Name}-{index}", index, launcher, this),
        ];
        foreach (var resource in model.Resources)
        {
            AllocateEndpoints(resource);
        }

        foreach (var parameter in model.Resources.OfType<ParameterResource>())
        {
            _ = await parameter.GetValueAsync(cancellationToken).ConfigureAwait(false);
            notifications.Publish(parameter, parameter.Name, s => s with { State = KnownResourceStates.Running, Ready = true });
        }

        dashboard.Prepare(Ports);
        _reporter = new Reporter(this, notifications, model).RunAsync(_reporting.Token);
        dashboard.Start();
        foreach (var instance in Instances)
        {
            if (instance.Resource.Annotations.OfType<ExplicitStartupAnnotation>().Any())
            {
                Publish(instance, s => s with { State = KnownResourceStates.NotStarted });
            }
            else
            {
                await instance.StartAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private void AllocateEndpoints(IResource resource)
    {
        var replicas = resource.GetReplicaCount();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            endpoint.Allocated.Clear();
            if (options.RandomPorts)
            {
                endpoint.Port = null;
            }

            if (endpoint.Port is { } port && replicas > 1)
            {
                throw new DistributedApplicationException($"The {replicas} replicas of '{resource.Name}' cannot share port {port}: the local engine has no proxy before them.");
            }

            for (var i = 0; i < replicas; i++)
            {
                endpoint.Allocated.Add(new(endpoint, "localhost", endpoint.Port ?? Ports.Take()));
            }
        }
    }

    private async Task StopResourcesAsync()
    {
        var begin = TimeProvider.System.GetTimestamp();
        var stopped = new Dictionary<IResource, Task>();
        await Task.WhenAll(Instances.Select(i => StopInOrder(i.Resource))).ConfigureAwait(false);

        Task StopInOrder(IResource resource)
        {
            if (!stopped.TryGetValue(resource, out var stop))
            {
                // What waits for this resource relies on it, so it stops first.
                var dependants = Instances.Select(i => i.Resource)
                    .Where(r => r.Annotations.OfType<WaitAnnotation>().Any(w => w.Resource == resource || w.Resource is IResourceWithParent { Parent: var parent } && parent == resource))
                    .Distinct()
                    .ToList();
                stopped[resource] = stop = StopAfter(Task.WhenAll(dependants.Select(StopInOrder)), resource);
            }

            return stop;
        }

        async Task StopAfter(Task dependants, IResource resource)
        {
            await dependants.ConfigureAwait(false);
            var left = (resource is ProjectResource ? ServicesDeadline : Deadline) - TimeProvider.System.GetElapsedTime(begin);
            var grace = left > TimeSpan.FromMilliseconds(200) ? left : TimeSpan.FromMilliseconds(200);
            await Task.WhenAll(Instances.Where(i => i.Resource == resource).Select(i => i.EndAsync(grace))).ConfigureAwait(false);
        }
    }
}
