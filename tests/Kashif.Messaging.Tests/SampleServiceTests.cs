namespace Kashif.Messaging.Tests;

/// <summary>Starts a <see cref="SampleService"/> for each test.</summary>
public abstract class SampleServiceTests(MessagingServers servers) : IAsyncLifetime
{
    private SampleService? _service;

    private protected MessagingServers Servers { get; } = servers;
    private protected SampleService Service => _service ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync() => _service = await SampleService.StartAsync(Servers, ResourceNames.Reporting);

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
        {
            await _service.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }
}
