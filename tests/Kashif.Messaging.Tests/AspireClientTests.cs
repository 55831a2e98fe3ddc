using Kashif.Cache;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;
using StackExchange.Redis;

namespace Kashif.Messaging.Tests;

/// <summary>Aspire's client integrations without a connection string or a server.</summary>
public sealed class AspireClientTests
{
    [Fact]
    public async Task A_missing_connection_string_fails_the_start_and_is_named()
    {
        await using var service = Build([]);

        var refusal = (await Should.ThrowAsync<Exception>(() => service.StartAsync(TestContext.Current.CancellationToken))).ToString();

        foreach (var name in new[] { "sample-db", ResourceNames.Messaging, ResourceNames.Cache })
        {
            refusal.ShouldContain($"ConnectionStrings__{name}");
        }
    }

    [Fact]
    public async Task An_unavailable_cache_does_not_fail_the_start()
    {
        await using var service = Build(new() { [$"ConnectionStrings:{ResourceNames.Cache}"] = "127.0.0.1:1,connectTimeout=200" });

        service.Services.GetRequiredService<IConnectionMultiplexer>().IsConnected.ShouldBeFalse();
    }

    [Fact]
    public async Task Without_an_OTLP_endpoint_tracing_is_off()
    {
        await using var service = Build([]);

        service.Services.GetService<TracerProvider>().ShouldBeNull();
    }

    private static WebApplication Build(Dictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddServiceDefaults(ResourceNames.Reporting);
        builder.AddKashifDbContext<SampleDbContext>("sample-db");
        builder.AddKashifCache(_ => TimeSpan.FromMilliseconds(500));
        return builder.Build();
    }
}
