using Aspire.Hosting.ApplicationModel;

namespace Kashif.LocalEngine;

/// <summary>Knows which processes a resource is, and what has to be done before and after they start.</summary>
internal interface ILauncher : IResourceAnnotation
{
    /// <summary>Whether the output is worth the console; a server's is read when it fails.</summary>
    bool Chatty { get; }

    /// <summary>Throws when what is needed is not on this machine; asked before anything is started.</summary>
    void Verify();

    /// <summary>Prepares directories and settings, and answers the processes in the order in which they start; the last one is the resource.</summary>
    Task<IReadOnlyList<ProcessSpec>> PrepareAsync(Instance instance, CancellationToken cancellationToken);

    /// <summary>What remains to be done once the process is healthy and before others may rely on it.</summary>
    Task CompleteAsync(Instance instance, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A health check of an instance: it throws, with a message, when the instance is not healthy.</summary>
internal sealed class ProbeAnnotation(string key, Func<Instance, CancellationToken, Task> probe) : HealthCheckAnnotation(key)
{
    public Task CheckAsync(Instance instance, CancellationToken cancellationToken) => probe(instance, cancellationToken);
}
