using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;

namespace Kashif.LocalEngine;

/// <summary>
/// Keeps <c>run/state.json</c> (what runs, where, with which log; for <c>./kashif</c>, readable by the owner only because of the connection
/// strings) up to date, and prints the table of resources once all of them are healthy.
/// </summary>
internal sealed class Reporter(Orchestrator orchestrator, ResourceNotificationService notifications, DistributedApplicationModel model)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly long _begin = TimeProvider.System.GetTimestamp();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var told = false;
        try
        {
            await foreach (var _ in notifications.WatchAsync(cancellationToken).ConfigureAwait(false))
            {
                var healthy = orchestrator.AllHealthy;
                await WriteStateAsync(healthy).ConfigureAwait(false);
                if (healthy && !told && orchestrator.Options.Console)
                {
                    told = true;
                    Console.WriteLine(Table());
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    private async Task WriteStateAsync(bool healthy)
    {
        var resources = new JsonArray();
        foreach (var instance in orchestrator.Instances)
        {
            var snapshot = notifications.TryGetCurrentState(instance.Id, out var e) ? e.Snapshot : null;
            resources.Add(new JsonObject
            {
                ["name"] = instance.Id,
                ["resource"] = instance.Resource.Name,
                ["type"] = snapshot?.ResourceType,
                ["state"] = snapshot?.State?.Text,
                ["health"] = snapshot?.HealthStatus?.ToString(),
                ["exitCode"] = snapshot?.ExitCode,
                ["pid"] = snapshot?.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value as int?,
                ["urls"] = new JsonArray([.. snapshot?.Urls.Select(u => (JsonNode)u.Url) ?? []]),
                ["log"] = orchestrator.Logs.PathOf(instance.Id),
            });
        }

        var connectionStrings = new JsonObject();
        foreach (var resource in model.Resources.OfType<IResourceWithConnectionString>())
        {
            connectionStrings[resource.Name] = await resource.GetConnectionStringAsync().ConfigureAwait(false);
        }

        Files.WritePrivate(orchestrator.Workspace.StateFile, new JsonObject
        {
            ["pid"] = Environment.ProcessId,
            ["healthy"] = healthy,
            ["dashboard"] = orchestrator.Dashboard.LoginUrl,
            ["resources"] = resources,
            ["connectionStrings"] = connectionStrings,
        }.ToJsonString(Json));
    }

    private string Table()
    {
        var rows = orchestrator.Instances.Select(i => notifications.TryGetCurrentState(i.Id, out var e)
            ? (i.Id, State: $"{e.Snapshot.State?.Text}, {e.Snapshot.HealthStatus}", Url: string.Join("  ", i.Resource.Annotations.OfType<EndpointAnnotation>().OrderByDescending(a => a.IsExternal).Select(a => i.AddressOf(a).UriString)))
            : (i.Id, State: "", Url: "")).ToList();
        var seconds = TimeProvider.System.GetElapsedTime(_begin).TotalSeconds;
        var lines = rows.Select(r => $"  {r.Id,-16} {r.State,-20} {r.Url}");
        var dashboard = orchestrator.Dashboard.LoginUrl is { } url ? $"{Environment.NewLine}  Dashboard: {url}" : "";
        return $"{Environment.NewLine}All resources are healthy after {seconds:0.0} s. Ctrl-C stops them.{Environment.NewLine}{string.Join(Environment.NewLine, lines)}{dashboard}{Environment.NewLine}";
    }
}
