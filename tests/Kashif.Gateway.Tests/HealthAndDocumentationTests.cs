using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

public sealed class HealthAndDocumentationTests : IAsyncLifetime
{
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [MemberData(nameof(RoutingTests.Areas), MemberType = typeof(RoutingTests))]
    public async Task Each_services_health_is_routed_under_both_prefixes(string area, string service)
    {
        Gateway[service].Health = "degraded";

        foreach (var path in new[] { $"/api/v1/{area}/health", $"/api/{area}/health", $"/api/v1/{area}/health/" })
        {
            (await Gateway.Client.GetFromJsonAsync<JsonElement>(path, Cancel)).GetProperty("status").GetString().ShouldBe("degraded");
        }
    }

    [Fact]
    public async Task The_gateway_is_healthy_if_all_services_are()
    {
        var (_, health) = await HealthAsync(Gateway, (status, health) => status == HttpStatusCode.OK && health.GetProperty("status").GetString() == "healthy");

        health.GetProperty("checks").EnumerateObject().Select(check => check.Name)
            .ShouldBe([ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Cache], ignoreOrder: true);
    }

    [Fact]
    public async Task A_degraded_service_makes_the_gateway_degraded()
    {
        Gateway[ResourceNames.Reporting].Health = "degraded";

        var (status, health) = await HealthAsync(Gateway, (status, _) => status == HttpStatusCode.OK);

        status.ShouldBe(HttpStatusCode.OK);
        health.GetProperty("status").GetString().ShouldBe("degraded");
        StateOf(health, ResourceNames.Reporting).ShouldBe("degraded");
    }

    [Fact]
    public async Task An_unhealthy_or_unreachable_service_makes_the_gateway_unhealthy()
    {
        Gateway[ResourceNames.Reporting].Health = "unhealthy";
        await Gateway.StopAsync(ResourceNames.Coupons);

        var (status, health) = await HealthAsync(Gateway, (_, health) => StateOf(health, ResourceNames.Auth) == "healthy");

        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        health.GetProperty("status").GetString().ShouldBe("unhealthy");
        StateOf(health, ResourceNames.Reporting).ShouldBe("unhealthy");
        StateOf(health, ResourceNames.Coupons).ShouldBe("unhealthy");
        StateOf(health, ResourceNames.Auth).ShouldBe("healthy");
        (await Gateway.Client.GetAsync("/alive", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("degraded", 200)]
    [InlineData("unhealthy", 503)]
    public async Task A_services_checks_are_part_of_its_health(string state, int expected)
    {
        Gateway[ResourceNames.Auth].Health = state;
        Gateway[ResourceNames.Auth].Checks = new { database = new { status = "healthy", duration_ms = 1.5 }, messaging = new { status = state, duration_ms = 2000 } };

        var (status, health) = await HealthAsync(
            Gateway, (status, health) => (int)status == expected && health.GetProperty("checks").GetProperty(ResourceNames.Auth).TryGetProperty("checks", out _));

        ((int)status).ShouldBe(expected);
        StateOf(health, ResourceNames.Auth).ShouldBe(state);
        var auth = health.GetProperty("checks").GetProperty(ResourceNames.Auth);
        StateOf(auth, "database").ShouldBe("healthy");
        StateOf(auth, "messaging").ShouldBe(state);
        auth.GetProperty("checks").GetProperty("messaging").GetProperty("duration_ms").GetDouble().ShouldBe(2000);
    }

    [Fact]
    public async Task The_worst_of_several_replicas_is_shown()
    {
        await using var second = await FakeService.StartAsync(ResourceNames.Auth);
        second.Health = "degraded";
        second.Checks = new { database = new { status = "degraded", duration_ms = 7 } };
        await using var gateway = await GatewayService.StartAsync(("services:auth:http:1", second.Address));
        gateway[ResourceNames.Auth].Checks = new { database = new { status = "healthy", duration_ms = 9 } };

        // A replica that is late counts as degraded too, without its checks.
        var (_, health) = await HealthAsync(
            gateway, (status, health) => status == HttpStatusCode.OK && health.ToString().Contains("\"duration_ms\":9", StringComparison.Ordinal));

        var auth = health.GetProperty("checks").GetProperty(ResourceNames.Auth);
        auth.GetProperty("status").GetString().ShouldBe("degraded");
        StateOf(auth, "database").ShouldBe("degraded");
        auth.GetProperty("checks").GetProperty("database").GetProperty("duration_ms").GetDouble().ShouldBe(9);
    }

    [Fact]
    public async Task Concurrent_health_requests_check_each_service_once()
    {
        var release = new TaskCompletionSource();
        Gateway[ResourceNames.Auth].Ready = release.Task;

        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var first = Gateway.Client.GetAsync("/health", impatient.Token);
        await Eventually.TrueAsync(() => Gateway[ResourceNames.Auth].Probes == 1, "the first check");
        var others = Enumerable.Range(0, 50).Select(_ => Gateway.Client.GetAsync("/health", Cancel)).ToArray();
        await impatient.CancelAsync();
        await Task.WhenAny(first); // cancelled, or answered if the check has timed out

        // This response, while the service is still busy, shows that the earlier requests have arrived and wait.
        await Gateway.Client.GetAsync("/alive", Cancel);
        release.SetResult();

        // On a slow machine the check times out (503), and requests that arrive a second after its end begin another.
        (await Task.WhenAll(others)).ShouldAllBe(response => response.StatusCode == HttpStatusCode.OK || response.StatusCode == HttpStatusCode.ServiceUnavailable);
        var before = Gateway[ResourceNames.Auth].Probes;
        before.ShouldBeLessThan(10);
        await Eventually.TrueAsync(async () => (await HealthAsync()).Status == HttpStatusCode.OK && Gateway[ResourceNames.Auth].Probes > before, "a later check");
    }

    [Theory]
    [MemberData(nameof(RoutingTests.Areas), MemberType = typeof(RoutingTests))]
    public async Task The_page_lists_the_document_of_every_service(string area, string service)
    {
        Gateway[service].Respond = context => context.Response.WriteAsJsonAsync(new { openapi = "3.1.1", info = new { title = service } });

        using var page = await Gateway.Client.GetAsync("/docs/index.html", Cancel);
        var script = await Gateway.Client.GetStringAsync("/docs/index.js", Cancel);
        var document = await Gateway.Client.GetFromJsonAsync<JsonElement>($"/openapi/{area}.json", Cancel);

        (page.Content.Headers.ContentType?.MediaType).ShouldBe("text/html");
        script.ShouldContain($"/openapi/{area}.json");
        script.ShouldContain("persistAuthorization");
        document.GetProperty("info").GetProperty("title").GetString().ShouldBe(service);
        Gateway[service].Requests[^1].Target.ShouldBe("/openapi/v1.json");
    }

    [Theory]
    [MemberData(nameof(RoutingTests.Areas), MemberType = typeof(RoutingTests))]
    public async Task A_document_is_also_found_by_its_services_name(string area, string service)
    {
        Gateway[service].Respond = context => context.Response.WriteAsJsonAsync(new { openapi = "3.1.1", info = new { title = area } });

        var document = await Gateway.Client.GetFromJsonAsync<JsonElement>($"/openapi/{service}.json", Cancel);

        document.GetProperty("info").GetProperty("title").GetString().ShouldBe(area);
        Gateway[service].Requests[^1].Target.ShouldBe("/openapi/v1.json");
    }

    [Theory]
    [InlineData("/", "/docs")]
    [InlineData("/docs", "docs/index.html")]
    public async Task The_root_and_docs_redirect_to_the_page(string path, string location)
    {
        using var response = await Gateway.Client.GetAsync(path, Cancel);

        ((int)response.StatusCode).ShouldBeInRange(301, 302);
        (response.Headers.Location?.OriginalString).ShouldBe(location);
    }

    private Task<(HttpStatusCode Status, JsonElement Health)> HealthAsync() => HealthAsync(Gateway);

    private static async Task<(HttpStatusCode Status, JsonElement Health)> HealthAsync(GatewayService gateway)
    {
        using var response = await gateway.Client.GetAsync("/health", Cancel);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    /// <summary>The first health that is as expected: on a slow machine a check may time out.</summary>
    private static async Task<(HttpStatusCode Status, JsonElement Health)> HealthAsync(GatewayService gateway, Func<HttpStatusCode, JsonElement, bool> isExpected)
    {
        (HttpStatusCode Status, JsonElement Health) answer = default;
        await Eventually.TrueAsync(
            async () =>
            {
                answer = await HealthAsync(gateway);
                return isExpected(answer.Status, answer.Health);
            },
            "the expected health");
        return answer;
    }

    private static string? StateOf(JsonElement health, string service)
    {
        var check = health.GetProperty("checks").GetProperty(service);
        check.GetProperty("duration_ms").GetDouble().ShouldBeGreaterThanOrEqualTo(0);
        return check.GetProperty("status").GetString();
    }
}
