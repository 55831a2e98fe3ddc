namespace Kashif.Testing;

/// <summary>The servers and token issuer for a test assembly, started once. Derive an assembly fixture from this class.</summary>
public abstract class ServersAndIssuer : IAsyncDisposable
{
    private TestServers? _servers;
    private TestIssuer? _issuer;

    public TestServers Servers => _servers ?? throw new InvalidOperationException("Not started.");
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

        GC.SuppressFinalize(this);
    }
}
