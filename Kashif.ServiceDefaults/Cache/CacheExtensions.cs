using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Kashif.Cache;

/// <summary>The shared cache.</summary>
public static class CacheExtensions
{
    /// <summary>
    /// Adds <see cref="RedisCircuit"/> and its <see cref="IConnectionMultiplexer"/>. Redis holds only data that can be rebuilt. While
    /// Redis is unavailable, commands fail at once instead of queueing. The connection is restored automatically.
    /// </summary>
    /// <param name="timeout">A script without a result after this time opens the circuit.</param>
    public static IHostApplicationBuilder AddKashifCache(this IHostApplicationBuilder builder, Func<IServiceProvider, TimeSpan> timeout)
    {
        builder.Services.RequireConnection(ResourceNames.Cache);
        builder.AddRedisClient(
            ResourceNames.Cache,
            settings => settings.DisableTracing = true, // KashifTelemetry decides what is traced
            options => options.BacklogPolicy = BacklogPolicy.FailFast);
        builder.Services.AddSingleton(provider => new RedisCircuit(
            new Lazy<IConnectionMultiplexer>(provider.GetRequiredService<IConnectionMultiplexer>),
            timeout(provider),
            provider.GetRequiredService<ILogger<RedisCircuit>>()));
        builder.Services.AddHostedService(provider => provider.GetRequiredService<RedisCircuit>());
        return builder;
    }
}
