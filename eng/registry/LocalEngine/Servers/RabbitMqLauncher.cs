using Aspire.Hosting.ApplicationModel;

namespace Kashif.LocalEngine;

internal sealed class RabbitMqLauncher(RabbitMQServerResource server) : ILauncher
{
    public bool Chatty => false;

    public void Verify()
    {
        _ = Server();
        _ = NameServer();
    }

    public async Task<IReadOnlyList<ProcessSpec>> PrepareAsync(Instance instance, CancellationToken cancellationToken)
    {
        var data = instance.Workspace.DataOf(instance.Resource);
        Files.CreatePrivateDirectory(data);
        var run = Path.Combine(instance.Workspace.Run, instance.Id);
        Files.CreatePrivateDirectory(run);

        var userName = await server.UserNameReference.GetValueAsync(cancellationToken).ConfigureAwait(false);
        var password = await server.PasswordParameter.GetValueAsync(cancellationToken).ConfigureAwait(false);
        var management = server.ManagementEndpoint.Exists;
        var configuration = Path.Combine(run, "rabbitmq.conf");
        Files.WritePrivate(configuration, $"""
            listeners.tcp.1 = 127.0.0.1:{instance.PortOf("tcp")}
            default_user = {userName}
            default_pass = {password}
            log.console = true
            log.console.level = info
            log.file = false
            # A quorum queue's log is written whole before it is cut; the default of 512 MB is for machines that do nothing else.
            raft.wal_max_size_bytes = 67108864
            vm_memory_high_watermark.absolute = 1GiB
            disk_free_limit.absolute = 50MB
            {(management ? $"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {instance.PortOf("management")}" : "")}

            """);
        var plugins = Path.Combine(run, "enabled_plugins");
        Files.WritePrivate(plugins, management ? "[rabbitmq_management].\n" : "[].\n");

        // Erlang's name server outlives the broker that starts it and is shared by all on its port. This one is the broker's own.
        var names = instance.PrivatePort("epmd");
        var environment = new Dictionary<string, string>
        {
            ["HOME"] = data, // The Erlang cookie.
            ["ERL_EPMD_PORT"] = $"{names}",
            ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODENAME"] = "kashif@localhost",
            ["RABBITMQ_DIST_PORT"] = $"{instance.PrivatePort("distribution")}",
            ["RABBITMQ_CONFIG_FILE"] = configuration,
            ["RABBITMQ_ADVANCED_CONFIG_FILE"] = Path.Combine(run, "advanced.config"),
            ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(run, "rabbitmq-env.conf"),
            ["RABBITMQ_GENERATED_CONFIG_DIR"] = Path.Combine(run, "generated"),
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(data, "mnesia"),
            ["RABBITMQ_FEATURE_FLAGS_FILE"] = Path.Combine(data, "feature_flags"),
            ["RABBITMQ_LOG_BASE"] = run,
            ["RABBITMQ_PID_FILE"] = Path.Combine(run, "pid"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = plugins,
            ["RABBITMQ_ALLOW_INPUT"] = "1", // The script becomes the virtual machine instead of waiting for it.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
        };
        return
        [
            new(NameServer(), "-address", "127.0.0.1", "-port", $"{names}") { ReadyPort = names },
            new(Server(), "-noinput") { Environment = environment, WorkingDirectory = data },
        ];
    }

    /// <summary>The script beside the package's others: the one on Debian's PATH changes the user.</summary>
    private static string Server() =>
        new[] { "/usr/lib/rabbitmq/bin/rabbitmq-server" }
            .Concat(["/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server", "/usr/local/opt/rabbitmq/sbin/rabbitmq-server"])
            .FirstOrDefault(File.Exists)
        ?? throw new MissingServerException("RabbitMQ", "rabbitmq-server", "rabbitmq-server", "rabbitmq");

    private static string NameServer() =>
        Executables.Find("epmd", ["/opt/homebrew/bin", "/usr/local/bin", .. Executables.Versions("/usr/lib/erlang", "bin")])
        ?? throw new MissingServerException("RabbitMQ's Erlang", "epmd", "rabbitmq-server", "rabbitmq");
}
