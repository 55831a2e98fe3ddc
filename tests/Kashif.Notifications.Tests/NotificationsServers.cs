using Kashif.Testing;

[assembly: AssemblyFixture(typeof(Kashif.Notifications.Tests.NotificationsServers))]

// All hosts of the service consume from one queue, so only one may run at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Kashif.Notifications.Tests;

/// <summary>One service for all tests of a class. Each test uses its own users and devices.</summary>
public sealed class SharedService(NotificationsServers servers) : IAsyncLifetime
{
    private NotificationsService? _host;

    internal NotificationsService Host => _host ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _host = await NotificationsService.StartAsync(servers);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}

public sealed class NotificationsServers : ServersAndIssuer, IAsyncLifetime;
