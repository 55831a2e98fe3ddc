using Aspire.Hosting;
using Aspire.Hosting.Testing;

namespace Kashif.LocalEngine.Tests;

/// <summary>The sample AppHost, started in this process with throw-away data.</summary>
public sealed class SampleApplication : IAsyncLifetime
{
    private DistributedApplication? _application;

    public DistributedApplication Application => _application ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Kashif_LocalEngine_Tests_AppHost>(["--front-port=1", "--Parameters:sample-secret=given"]);
        _application = await builder.BuildAsync();
        await _application.StartAsync();
        await HealthyAsync("front");
    }

    public async Task HealthyAsync(string resource)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, patience.Token);
    }

    public ValueTask DisposeAsync() => _application?.DisposeAsync() ?? ValueTask.CompletedTask;
}
