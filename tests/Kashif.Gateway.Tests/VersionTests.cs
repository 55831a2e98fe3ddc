using System.Net;
using System.Net.Http.Headers;
using Kashif.Gateway.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Yarp.ReverseProxy.Configuration;

namespace Kashif.Gateway.Tests;

/// <summary><c>/api/v1</c>, the alias without a version, and a second version.</summary>
public sealed class VersionTests : IAsyncLifetime
{
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [MemberData(nameof(RoutingTests.Areas), MemberType = typeof(RoutingTests))]
    public async Task The_alias_is_served_with_a_link_to_its_successor(string area, string service)
    {
        foreach (var rest in new[] { "", "/", "/a/b", "/a%20b" })
        {
            using var response = await Gateway.Client.GetAsync($"/api/{area}{rest}?c=d", Cancel);

            (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(service);
            Gateway[service].Requests[^1].Target.ShouldBe($"/api/v1/{area}{rest}?c=d");
            ShouldBeDeprecated(response, $"/api/v1/{area}{rest}");
        }
    }

    [Fact]
    public async Task Every_response_of_the_alias_has_the_deprecation_headers()
    {
        const string Older = "/api/gamification/leaderboard";
        const string Newer = "/api/v1/gamification/leaderboard";
        Gateway[ResourceNames.Gamification].Respond = async context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            context.Response.Headers.ETag = "\"v1\"";
            context.Response.Headers.Link = "<https://example.org>; rel=\"help\"";
            await context.Response.WriteAsync("kept");
        };

        using var first = await Gateway.Client.GetAsync(Older, Cancel);
        using var cached = await Gateway.Client.GetAsync(Older, Cancel);
        using var conditional = new HttpRequestMessage(HttpMethod.Get, Older) { Headers = { IfNoneMatch = { new EntityTagHeaderValue("\"v1\"") } } };
        using var notModified = await Gateway.Client.SendAsync(conditional, Cancel);
        Gateway[ResourceNames.Gamification].Requests.Count.ShouldBe(1);
        notModified.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        foreach (var response in new[] { first, cached, notModified })
        {
            ShouldBeDeprecated(response, Newer);
        }

        first.Headers.GetValues("Link").ShouldContain("<https://example.org>; rel=\"help\"");

        using var health = await Gateway.Client.GetAsync("/api/auth/health", Cancel);
        ShouldBeDeprecated(health, "/api/v1/auth/health");

        Gateway[ResourceNames.Reporting].Respond = context =>
        {
            context.Response.StatusCode = 429;
            return Task.CompletedTask;
        };
        using var limited = await Gateway.Client.GetAsync("/api/reports", Cancel);
        limited.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        ShouldBeDeprecated(limited, "/api/v1/reports");

        using var trick = await Gateway.Client.GetAsync("/api/reports/..%2f..%2fx", Cancel);
        trick.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        ShouldBeDeprecated(trick, null);

        await Gateway.StopAsync(ResourceNames.Coupons);
        using var away = await Gateway.Client.GetAsync("/api/coupons", Cancel);
        away.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        ShouldBeDeprecated(away, "/api/v1/coupons");
    }

    [Theory]
    [InlineData("/api/v1/reports")]
    [InlineData("/api/nothing")]
    [InlineData("/api")]
    [InlineData("/health")]
    public async Task Other_paths_have_no_deprecation_headers(string path)
    {
        using var response = await Gateway.Client.GetAsync(path, Cancel);

        response.Headers.Contains("Deprecation").ShouldBeFalse();
        response.Headers.Contains("Sunset").ShouldBeFalse();
        response.Headers.Contains("Link").ShouldBeFalse();
    }

    [Theory]
    [InlineData("2027-01-01T00:00:00Z")]
    [InlineData("2027-01-01T03:00:00+03:00")]
    [InlineData("2027-01-01")] // in UTC, whatever the server's zone
    public async Task The_dates_are_configurable(string since)
    {
        await using var gateway = await GatewayService.StartAsync(new Dictionary<string, string?>
        {
            ["Gateway:Alias:DeprecatedSince"] = since,
            ["Gateway:Alias:Sunset"] = "2028-06-01T12:00:00Z",
        });

        using var response = await gateway.Client.GetAsync("/api/reports", Cancel);

        response.Headers.GetValues("Deprecation").ShouldBe(["@1798761600"]);
        response.Headers.GetValues("Sunset").ShouldBe(["Thu, 01 Jun 2028 12:00:00 GMT"]);
    }

    [Fact]
    public async Task A_sunset_before_the_deprecation_stops_the_start()
    {
        var failure = await Should.ThrowAsync<Exception>(
            () => GatewayService.StartAsync(new Dictionary<string, string?> { ["Gateway:Alias:Sunset"] = "2020-01-01T00:00:00Z" }));

        failure.ToString().ShouldContain("Gateway:Alias:Sunset");
    }

    [Fact]
    public async Task A_second_version_of_an_area_needs_only_its_name()
    {
        var areas = Area.All.Select(area => area.Name == "reports" ? area with { Versions = [.. area.Versions, "v2"] } : area);
        await using var gateway = await GatewayService.StartAsync(
            configure: services => services.RemoveAll<IProxyConfigProvider>()
                .AddSingleton<IProxyConfigProvider>(new InMemoryConfigProvider([.. areas.SelectMany(area => Routes.Of(area, new ProxyOptions()))], Routes.Clusters(new ProxyOptions()))));
        var reporting = gateway[ResourceNames.Reporting];

        foreach (var (asked, reached) in new[]
        {
            ("/api/v2/reports/1", "/api/v2/reports/1"), ("/api/v1/reports/1", "/api/v1/reports/1"), ("/api/reports/1", "/api/v1/reports/1"),
            ("/openapi/reports-v2.json", "/openapi/v2.json"), ("/openapi/reports.json", "/openapi/v1.json"),
        })
        {
            using var response = await gateway.Client.GetAsync(asked, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            reporting.Requests[^1].Target.ShouldBe(reached);
            response.Headers.Contains("Deprecation").ShouldBe(asked == "/api/reports/1");
        }

        (await gateway.Client.GetAsync("/api/v2/coupons", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private static void ShouldBeDeprecated(HttpResponseMessage response, string? successor)
    {
        response.Headers.GetValues("Deprecation").ShouldBe(["@1795132800"]);
        response.Headers.GetValues("Sunset").ShouldBe(["Sat, 20 Nov 2027 00:00:00 GMT"]);
        response.Headers.GetValues("Link").Count(link => link.EndsWith("rel=\"successor-version\"", StringComparison.Ordinal)).ShouldBe(1);
        if (successor is not null)
        {
            response.Headers.GetValues("Link").ShouldContain($"<{successor}>; rel=\"successor-version\"");
        }
    }
}
