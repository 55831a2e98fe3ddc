using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;
using StackExchange.Redis;

namespace Kashif.NativeServers;

/// <summary>Health checks that connect to a server. Aspire's own checks work only for its containers.</summary>
internal static class ConnectionChecks
{
    /// <summary>Makes the resource healthy when a connection can be opened.</summary>
    public static IResourceBuilder<TResource> WithConnectionCheck<TResource, TConnection>(
        this IResourceBuilder<TResource> server, Func<string, CancellationToken, Task<TConnection>> connect)
        where TResource : IResourceWithConnectionString
        where TConnection : IAsyncDisposable
    {
        var name = $"{server.Resource.Name}_connection";
        string? connectionString = null;
        server.ApplicationBuilder.Services.AddHealthChecks().AddAsyncCheck(name, async cancellationToken =>
        {
            await using var connection = await connect(connectionString ?? throw new InvalidOperationException("No connection string yet."), cancellationToken);
            return HealthCheckResult.Healthy();
        });
        return server
            .OnConnectionStringAvailable(async (resource, _, cancellationToken) => connectionString = await resource.ConnectionStringExpression.GetValueAsync(cancellationToken))
            .WithHealthCheck(name);
    }

    public static async Task<IConnection> RabbitMqAsync(string connectionString, CancellationToken cancellationToken) =>
        await new ConnectionFactory { Uri = new Uri(connectionString), AutomaticRecoveryEnabled = false, RequestedConnectionTimeout = TimeSpan.FromSeconds(5) }
            .CreateConnectionAsync("health", cancellationToken);

    public static async Task<ConnectionMultiplexer> RedisAsync(string connectionString, CancellationToken cancellationToken)
    {
        var options = ConfigurationOptions.Parse(connectionString);
        options.AbortOnConnectFail = true; // else an unreachable server gives a connection too
        return await ConnectionMultiplexer.ConnectAsync(options).WaitAsync(cancellationToken);
    }
}
