using Kashif.Testing;

[assembly: AssemblyFixture(typeof(Kashif.Messaging.Tests.Servers))]

namespace Kashif.Messaging.Tests;

/// <summary>The servers of this assembly, started once.</summary>
public sealed class Servers : IAsyncLifetime
{
    private TestServers? _servers;
    private TestIssuer? _issuer;

    public TestServers Real => _servers ?? throw new InvalidOperationException("Not started.");
    public TestIssuer Issuer => _issuer ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _servers = await TestServers.StartAsync();
        _issuer = await TestIssuer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_issuer is not null)
        {
            await _issuer.DisposeAsync();
        }

        if (_servers is not null)
        {
            await _servers.DisposeAsync();
        }
    }
}
