// Stand-in for Aspire.Hosting (see README.md): start, stop and restart of a resource. Left out: commands that an AppHost adds.

using Kashif.LocalEngine;

namespace Aspire.Hosting.ApplicationModel;

public static class KnownResourceCommands
{
    public static readonly string StartCommand = "start";
    public static readonly string StopCommand = "stop";
    public static readonly string RestartCommand = "restart";
}

public sealed class ExecuteCommandResult
{
    public required bool Success { get; init; }

    public bool Canceled { get; init; }

    public string? ErrorMessage { get; init; }
}

public class ResourceCommandService
{
    private readonly Orchestrator _orchestrator;

    internal ResourceCommandService(Orchestrator orchestrator) => _orchestrator = orchestrator;

    /// <param name="resourceId">The id of an instance, or the name of a resource: then every instance of it.</param>
    /// <param name="commandName">One of <see cref="KnownResourceCommands"/>.</param>
    /// <param name="cancellationToken">Ends the waiting; what has begun goes on.</param>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        var instances = _orchestrator.Instances
            .Where(i => string.Equals(i.Id, resourceId, StringComparison.OrdinalIgnoreCase) || string.Equals(i.Resource.Name, resourceId, StringComparison.OrdinalIgnoreCase))
            .ToList();
        if (instances.Count == 0)
        {
            return new() { Success = false, ErrorMessage = $"Resource '{resourceId}' not found." };
        }

        Func<Instance, Task> command = commandName switch
        {
            "start" => i => i.StartAsync(cancellationToken),
            "stop" => i => i.StopAsync(cancellationToken),
            "restart" => i => i.RestartAsync(cancellationToken),
            _ => _ => throw new InvalidOperationException($"Command '{commandName}' not available for resource '{resourceId}'."),
        };

        try
        {
            await Task.WhenAll(instances.Select(command)).ConfigureAwait(false);
            return new() { Success = true };
        }
        catch (OperationCanceledException)
        {
            return new() { Success = false, Canceled = true };
        }
        catch (Exception e)
        {
            return new() { Success = false, ErrorMessage = e.Message };
        }
    }

    public Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default) =>
        ExecuteCommandAsync(resource.Name, commandName, cancellationToken);
}
