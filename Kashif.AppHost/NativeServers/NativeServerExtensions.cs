using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.NativeServers;

/// <summary>Runs PostgreSQL, RabbitMQ and Redis as processes under DCP if <see cref="ServerSource"/> chose native servers.</summary>
internal static class NativeServerExtensions
{
    /// <summary>Replaces the container by a local PostgreSQL with the same arguments.</summary>
    public static IResourceBuilder<PostgresServerResource> OrNative(this IResourceBuilder<PostgresServerResource> postgres)
    {
        if (!postgres.ApplicationBuilder.RunsNativeServers)
        {
            return postgres;
        }

        var native = Replace(postgres, "postgres.sh", ConnectAsync);
        native.WithEnvironment("PGDATA", native.DataDirectory());
        if (RunData.For(native.ApplicationBuilder).IsThrownAway && !native.ApplicationBuilder.Configuration.GetValue<bool>("Fsync"))
        {
            native.WithArgs("-c", "fsync=off", "-c", "full_page_writes=off");
        }

        native.WithDatabases(postgres.Resource, ConnectAsync);
        return postgres;

        async Task<NpgsqlConnection> ConnectAsync(string connectionString, CancellationToken cancellationToken)
        {
            var connection = new NpgsqlConnection($"{connectionString};Database=postgres;Pooling=false;Timeout=5");
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
    }

    /// <summary>Replaces the container by a local RabbitMQ.</summary>
    /// <param name="settings">A file in the format of <c>rabbitmq.conf</c>.</param>
    public static IResourceBuilder<RabbitMQServerResource> OrNative(this IResourceBuilder<RabbitMQServerResource> rabbitmq, string settings)
    {
        if (!rabbitmq.ApplicationBuilder.RunsNativeServers)
        {
            return rabbitmq;
        }

        var native = Replace(rabbitmq, "rabbitmq.sh", ConnectionChecks.RabbitMqAsync);
        foreach (var (endpoint, variable) in new[] { ("epmd", "EPMD_PORT"), ("distribution", "DISTRIBUTION_PORT") })
        {
            native.WithEndpoint(name: endpoint, isProxied: false)
                .WithUrlForEndpoint(endpoint, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
                .WithEnvironment(variable, native.GetEndpoint(endpoint).Property(EndpointProperty.TargetPort));
        }

        native.WithEnvironment("MANAGEMENT_PORT", native.GetEndpoint("management").Property(EndpointProperty.TargetPort))
            .WithEnvironment("SETTINGS", Path.GetFullPath(settings, native.ApplicationBuilder.AppHostDirectory))
            .WithEnvironment("DATA", native.DataDirectory());
        return rabbitmq;
    }

    /// <summary>Replaces the container by a local Redis.</summary>
    public static IResourceBuilder<RedisResource> OrNative(this IResourceBuilder<RedisResource> redis)
    {
        if (!redis.ApplicationBuilder.RunsNativeServers)
        {
            return redis;
        }

        Remove<CommandLineArgsCallbackAnnotation>(redis.Resource); // a shell command line for the image
        var native = Replace(redis, "redis.sh", ConnectionChecks.RedisAsync);
        native.WithEnvironment("DATA", native.DataDirectory());
        return redis;
    }

    private static IResourceBuilder<NativeServer> Replace<TContainer, TConnection>(
        IResourceBuilder<TContainer> container, string script, Func<string, CancellationToken, Task<TConnection>> connect)
        where TContainer : ContainerResource, IResourceWithConnectionString
        where TConnection : IAsyncDisposable
    {
        var builder = container.ApplicationBuilder;
        Remove<ContainerImageAnnotation>(container.Resource);
        Remove<ContainerMountAnnotation>(container.Resource);
        Remove<HealthCheckAnnotation>(container.Resource); // works only for a resource in the model

        builder.Resources.Remove(container.Resource);
        var native = builder.AddResource(new NativeServer(container.Resource, Path.Combine(builder.AppHostDirectory, "NativeServers", script)));
        foreach (var endpoint in native.Resource.Annotations.OfType<EndpointAnnotation>())
        {
            endpoint.IsProxied = false;
            endpoint.TargetPort = null; // DCP chooses a free port
        }

        return native.WithEnvironment("PORT", native.GetEndpoint("tcp").Property(EndpointProperty.TargetPort)).WithConnectionCheck(connect);
    }

    /// <summary>Creates the databases and gives them the server's state, as Aspire does for a container.</summary>
    private static void WithDatabases(
        this IResourceBuilder<NativeServer> native, PostgresServerResource container, Func<string, CancellationToken, Task<NpgsqlConnection>> connect)
    {
        var builder = native.ApplicationBuilder;
        native.OnConnectionStringAvailable((_, available, cancellationToken) => ForEachAsync(database =>
                builder.Eventing.PublishAsync(new ConnectionStringAvailableEvent(database, available.Services), cancellationToken)))
            .OnBeforeResourceStarted((_, starting, cancellationToken) => ForEachAsync(database =>
                PublishStateAsync(starting.Services, database, KnownResourceStates.Starting)))
            .OnResourceReady(async (server, ready, cancellationToken) =>
            {
                await using var connection = await connect(await server.ConnectionStringExpression.GetValueAsync(cancellationToken) ?? "", cancellationToken);
                await ForEachAsync(async database =>
                {
                    await CreateAsync(connection, database.DatabaseName, cancellationToken);
                    await PublishStateAsync(ready.Services, database, KnownResourceStates.Running);
                });
            })
            .OnResourceStopped((_, stopped, _) => ForEachAsync(database => PublishStateAsync(stopped.Services, database, KnownResourceStates.Finished)));

        async Task ForEachAsync(Func<PostgresDatabaseResource, Task> action)
        {
            foreach (var database in builder.Resources.OfType<PostgresDatabaseResource>().Where(database => database.Parent == container))
            {
                await action(database);
            }
        }
    }

    private static async Task CreateAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = name } } };
        if (await exists.ExecuteScalarAsync(cancellationToken) is null)
        {
            await using var create = new NpgsqlCommand($"CREATE DATABASE {new NpgsqlCommandBuilder().QuoteIdentifier(name)}", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static Task PublishStateAsync(IServiceProvider services, PostgresDatabaseResource database, string state) =>
        services.GetRequiredService<ResourceNotificationService>().PublishUpdateAsync(database, snapshot => snapshot with { State = state });

    private static string DataDirectory(this IResourceBuilder<NativeServer> native) => RunData.For(native.ApplicationBuilder).DirectoryOf(native.Resource.Name);

    private static void Remove<TAnnotation>(IResource resource)
        where TAnnotation : IResourceAnnotation
    {
        foreach (var annotation in resource.Annotations.OfType<TAnnotation>().ToArray())
        {
            resource.Annotations.Remove(annotation);
        }
    }
}
