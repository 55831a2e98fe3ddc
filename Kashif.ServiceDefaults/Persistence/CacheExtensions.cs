using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Kashif.Persistence;

/// <summary>The shared cache.</summary>
public static class CacheExtensions
{
    /// <summary>
    /// Adds <see cref="IConnectionMultiplexer"/> for Redis, which holds only what can be rebuilt. While it is away calls fail
    /// at once instead of queueing up behind a timeout; it connects again by itself.
    /// </summary>
    public static IHostApplicationBuilder AddKashifCache(this IHostApplicationBuilder builder)
    {
        builder.AddRedisClient(ResourceNames.Cache, configureOptions: options => options.BacklogPolicy = BacklogPolicy.FailFast);
        return builder;
    }
}
