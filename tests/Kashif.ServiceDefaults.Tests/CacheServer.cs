using Kashif.Testing;

[assembly: AssemblyFixture(typeof(Kashif.ServiceDefaults.Tests.CacheServer))]

namespace Kashif.ServiceDefaults.Tests;

/// <summary>Redis for this assembly, started once.</summary>
public sealed class CacheServer : IAsyncLifetime
{
    private TestServers? _servers;

    public TestServers Real => _servers ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _servers = await TestServers.StartCacheAsync();

    public async ValueTask DisposeAsync()
    {
        if (_servers is not null)
        {
            await _servers.DisposeAsync();
        }
    }
}
