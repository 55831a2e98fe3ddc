using Kashif.Testing;

// One test stops Redis.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(Kashif.Gateway.Tests.GatewayServers))]

namespace Kashif.Gateway.Tests;

/// <summary>Redis and the token issuer for all gateways, started once.</summary>
public sealed class GatewayServers : IAsyncLifetime
{
    private static TestServers? s_redis;
    private static TestIssuer? s_issuer;

    public static TestServers Redis => s_redis ?? throw new InvalidOperationException("Not started.");
    public static TestIssuer Issuer => s_issuer ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        s_redis = await TestServers.StartCacheAsync();
        s_issuer = await TestIssuer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Issuer.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
