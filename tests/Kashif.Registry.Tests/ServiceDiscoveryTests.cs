using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace Kashif.Registry.Tests;

public sealed class ServiceDiscoveryTests
{
    [Theory]
    [InlineData("http://auth/users?a=1", "http://localhost:5001/users?a=1")]
    [InlineData("https+http://auth/users", "http://localhost:5001/users")]
    [InlineData("https+http://both/", "https://localhost:5443/")]
    [InlineData("http://both/", "http://localhost:5002/")]
    [InlineData("http://_admin.auth/", "http://localhost:5009/")]
    [InlineData("https+http://prefixed/x", "http://localhost:5003/base/x")]
    [InlineData("http://elsewhere:81/x", "http://elsewhere:81/x")]
    [InlineData("https+http://elsewhere/x", "https://elsewhere/x")]
    public async Task A_service_is_found_by_its_name(string asked, string called)
    {
        var (client, network) = Client(new()
        {
            ["services:auth:http:0"] = "http://localhost:5001",
            ["services:auth:admin:0"] = "http://localhost:5009",
            ["services:both:https:0"] = "https://localhost:5443",
            ["services:both:http:0"] = "http://localhost:5002",
            ["services:prefixed:http:0"] = "http://localhost:5003/base",
        });

        await client.GetAsync(asked, TestContext.Current.CancellationToken);

        network.Requests.ShouldBe([new Uri(called)]);
    }

    [Fact]
    public async Task Replicas_take_turns()
    {
        var (client, network) = Client(new()
        {
            ["services:auth:http:0"] = "http://localhost:5001",
            ["services:auth:http:1"] = "http://localhost:5002",
            ["services:auth:http:2"] = "http://localhost:5003",
        });

        for (var i = 0; i < 9; i++)
        {
            await client.GetAsync("http://auth/", TestContext.Current.CancellationToken);
        }

        network.Requests.CountBy(uri => uri!.Port).ShouldBe([new(5001, 3), new(5002, 3), new(5003, 3)], ignoreOrder: true);
    }

    [Fact]
    public async Task A_proxy_destination_becomes_one_per_replica()
    {
        var services = Services(new()
        {
            ["services:auth:http:0"] = "http://localhost:5001",
            ["services:auth:http:1"] = "http://localhost:5002",
        });
        services.AddReverseProxy().AddServiceDiscoveryDestinationResolver();
        await using var provider = services.BuildServiceProvider();
        var destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = "https+http://auth" } };

        var resolved = await provider.GetRequiredService<IDestinationResolver>()
            .ResolveDestinationsAsync(destinations, TestContext.Current.CancellationToken);

        resolved.Destinations.Values.Select(destination => destination.Address)
            .ShouldBe(["http://localhost:5001/", "http://localhost:5002/"], ignoreOrder: true);
    }

    private static ServiceCollection Services(Dictionary<string, string?> configuration)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        services.AddLogging();
        services.AddServiceDiscovery();
        return services;
    }

    private static (HttpClient Client, StubHandler Network) Client(Dictionary<string, string?> configuration)
    {
        var network = new StubHandler(HttpStatusCode.OK);
        var services = Services(configuration);
        services.AddHttpClient("test").AddServiceDiscovery().ConfigurePrimaryHttpMessageHandler(() => network);
        return (services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("test"), network);
    }
}
