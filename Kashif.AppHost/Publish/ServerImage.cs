namespace Kashif.Publish;

/// <summary>Facts about the official image of a server that its resource does not tell.</summary>
/// <param name="User">The numeric user id that owns the image's data.</param>
/// <param name="WritablePaths">Directories that the server writes to besides its data, empty at each start.</param>
/// <param name="ReadyCommand">A command inside the container that succeeds when the server accepts clients.</param>
/// <param name="SharedMemory">Whether it needs more shared memory than the 64 MB of a container.</param>
/// <param name="DataVariable">An environment variable that names the data directory below the volume, or null.</param>
internal sealed record ServerImage(int User, IReadOnlyList<string> WritablePaths, IReadOnlyList<string> ReadyCommand, string Memory, string? DataVariable = null, bool SharedMemory = false)
{
    /// <returns>Null for an image about which nothing is known: it keeps its own user and a writable file system.</returns>
    public static ServerImage? Of(IResource server) => server switch
    {
        PostgresServerResource => new(999, ["/var/run/postgresql", "/tmp"], ["pg_isready", "--username=postgres", "--host=127.0.0.1"], "2Gi", "PGDATA", SharedMemory: true),
        RabbitMQServerResource => new(999, ["/tmp", "/var/log/rabbitmq"], ["rabbitmq-diagnostics", "--quiet", "check_port_connectivity"], "2Gi"),
        RedisResource => new(999, ["/tmp"], ["sh", "-c", "redis-cli --no-auth-warning -a \"$REDIS_PASSWORD\" ping | grep -q PONG"], "512Mi"),
        _ => null,
    };
}
