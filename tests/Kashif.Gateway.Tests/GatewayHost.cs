using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Gateway.Tests;

/// <summary>The gateway on Kestrel, with a fake in each service's place.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private readonly Factory _factory;
    private readonly Dictionary<string, FakeService> _services;

    private GatewayHost(Factory factory, Dictionary<string, FakeService> services)
    {
        _factory = factory;
        _services = services;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = factory.ClientOptions.BaseAddress };
    }

    public HttpClient Client { get; }

    public FakeService this[string service] => _services[service];

    /// <param name="settings">Configuration on top.</param>
    /// <param name="configure">Replaces what a test must see or break.</param>
    public static async Task<GatewayHost> StartAsync(
        IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? configure = null)
    {
        string[] names = [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];
        var services = new Dictionary<string, FakeService>();
        foreach (var name in names)
        {
            services[name] = await FakeService.StartAsync(name);
        }

        var addresses = services.Select(service => KeyValuePair.Create($"services:{service.Key}:http:0", (string?)service.Value.Address));
        var factory = new Factory([.. addresses, .. settings ?? new Dictionary<string, string?>()], configure);

        // Not UseKestrel(port): that sets the address while the program, on its own thread, may have started already.
        factory.UseKestrel();
        factory.StartServer();
        return new GatewayHost(factory, services);
    }

    /// <summary>Takes a service away.</summary>
    public ValueTask StopAsync(string service) => _services[service].DisposeAsync();

    /// <summary>Sends a request line as it stands: HttpClient would tidy the path up.</summary>
    /// <returns>The whole answer.</returns>
    public async Task<string> SendRawAsync(string target)
    {
        var address = _factory.ClientOptions.BaseAddress;
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _factory.DisposeAsync();
        foreach (var service in _services.Values)
        {
            await service.DisposeAsync();
        }
    }

    private sealed class Factory(KeyValuePair<string, string?>[] settings, Action<IServiceCollection>? configure) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseUrls("http://127.0.0.1:0");
            foreach (var (key, value) in settings)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureServices(services => configure?.Invoke(services));
        }
    }
}
