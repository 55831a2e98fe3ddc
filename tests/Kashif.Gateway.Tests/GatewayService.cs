using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Kashif.Gateway.Limits;
using Kashif.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Gateway.Tests;

/// <summary>The gateway on Kestrel, with a fake of each service.</summary>
internal sealed class GatewayService : IAsyncDisposable
{
    private readonly Factory _factory;
    private readonly Dictionary<string, FakeService> _services;

    private GatewayService(Factory factory, Dictionary<string, FakeService> services)
    {
        _factory = factory;
        _services = services;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = factory.ClientOptions.BaseAddress };
    }

    public HttpClient Client { get; }

    public FakeService this[string service] => _services[service];

    public Uri Address => _factory.ClientOptions.BaseAddress;

    /// <summary>The gateway's container.</summary>
    public IServiceProvider Provider => _factory.Services;

    /// <inheritdoc cref="StartAsync(IReadOnlyDictionary{string, string?}?, Action{IServiceCollection}?)"/>
    public static Task<GatewayService> StartAsync(params (string Key, string? Value)[] settings) =>
        StartAsync(settings.GroupBy(setting => setting.Key).ToDictionary(group => group.Key, group => group.Last().Value));

    /// <param name="settings">Additional configuration.</param>
    /// <param name="configure">Replaces services for the test.</param>
    public static async Task<GatewayService> StartAsync(
        IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? configure = null)
    {
        string[] names = [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];
        var services = new Dictionary<string, FakeService>();
        foreach (var name in names)
        {
            services[name] = await FakeService.StartAsync(name);
        }

        var all = services.ToDictionary(service => $"services:{service.Key}:http:0", service => (string?)service.Value.Address);
        all[$"ConnectionStrings:{ResourceNames.Cache}"] = GatewayServers.Redis.Cache;
        all["ServiceClient:ClientId"] = ResourceNames.Gateway;
        all["ServiceClient:ClientSecret"] = "test-secret";
        all["RateLimits:Scale"] = "1000"; // All tests use one address.
        all["RateLimits:RedisTimeout"] = "00:00:05"; // and one busy machine.
        foreach (var (key, value) in settings ?? new Dictionary<string, string?>())
        {
            all[key] = value;
        }

        var factory = new Factory(all, configure);

        // Not UseKestrel(port): it sets the address when the program, on its own thread, may have started already.
        factory.UseKestrel();
        factory.StartServer();
        var gateway = new GatewayService(factory, services);

        // Until then it counts alone, and the start waits for two seconds only.
        await Eventually.TrueAsync(() => gateway.Provider.GetRequiredService<SharedLimits>().IsShared, "Redis");
        return gateway;
    }

    /// <summary>Stops a service.</summary>
    public ValueTask StopAsync(string service) => _services[service].DisposeAsync();

    /// <summary>A signed-in user's client.</summary>
    public HttpClient As(Guid userId) => With(GatewayServers.Issuer.TokenFor(userId));

    public HttpClient With(string token)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>Sends an unmodified request line; HttpClient would normalize the path.</summary>
    /// <returns>The whole response.</returns>
    public Task<string> SendRawAsync(string target) =>
        SendBytesAsync($"GET {target} HTTP/1.1\r\nHost: {Address.Authority}\r\nConnection: close\r\n\r\n");

    /// <summary>Sends one byte per character.</summary>
    /// <param name="patience">How long to wait for a connection that stays open.</param>
    /// <returns>Everything received until the connection ends.</returns>
    public async Task<string> SendBytesAsync(string bytes, TimeSpan? patience = null)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Address.Host, Address.Port, TestContext.Current.CancellationToken);
        using var limit = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(30));
        await using var stream = client.GetStream();
        var response = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), limit.Token);
            for (int read; (read = await stream.ReadAsync(buffer, limit.Token)) > 0;)
            {
                response.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (Exception exception) when (exception is IOException || (exception is OperationCanceledException && patience is not null))
        {
            // The gateway closed the connection or waits for more: return what was received.
        }

        return response.ToString();
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

    /// <summary>Fetches Auth's keys from the test issuer, because the fake of Auth has none.</summary>
    private sealed class IssuerKeysHandler : DelegatingHandler
    {
        public IssuerKeysHandler()
            : base(new SocketsHttpHandler())
        {
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new Uri(new Uri(GatewayServers.Issuer.Address), request.RequestUri?.AbsolutePath);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class Factory(Dictionary<string, string?> settings, Action<IServiceCollection>? configure) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseUrls("http://127.0.0.1:0");
            foreach (var (key, value) in settings)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureTestServices(services =>
            {
                services.AddHttpClient("service-token").ConfigurePrimaryHttpMessageHandler(() => new IssuerKeysHandler());
                services.AddHttpClient("auth-keys").ConfigurePrimaryHttpMessageHandler(() => new IssuerKeysHandler());
                configure?.Invoke(services);
            });
        }
    }
}
