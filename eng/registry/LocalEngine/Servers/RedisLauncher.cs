using Aspire.Hosting.ApplicationModel;

namespace Kashif.LocalEngine;

internal sealed class RedisLauncher(RedisResource server) : ILauncher
{
    public bool Chatty => false;

    public void Verify() => _ = Program();

    public async Task<IReadOnlyList<ProcessSpec>> PrepareAsync(Instance instance, CancellationToken cancellationToken)
    {
        var data = instance.Workspace.DataOf(instance.Resource);
        Files.CreatePrivateDirectory(data);
        var password = server.PasswordParameter is null ? null : await server.PasswordParameter.GetValueAsync(cancellationToken).ConfigureAwait(false);

        // Without a volume nothing is written to disk, as with the image; with one, every second.
        var persistent = instance.Resource.Annotations.OfType<ContainerMountAnnotation>().Any();
        var configuration = Path.Combine(instance.Workspace.Run, $"{instance.Id}.conf");
        Files.WritePrivate(configuration, $"""
            bind 127.0.0.1
            port {instance.PortOf("tcp")}
            dir "{data}"
            save ""
            appendonly {(persistent ? "yes" : "no")}
            daemonize no
            {(password is null ? "protected-mode no" : $"requirepass \"{password}\"")}
            """);
        return [new(Program(), configuration) { WorkingDirectory = data }];
    }

    private static string Program() => Executables.Find("redis-server", "/usr/bin", "/opt/homebrew/bin", "/usr/local/bin")
        ?? throw new MissingServerException("Redis", "redis-server", "redis-server", "redis");
}
