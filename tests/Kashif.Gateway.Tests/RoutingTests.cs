using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary>Routes to the services, under both prefixes, and paths without a route.</summary>
public sealed class RoutingTests : IAsyncLifetime
{
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Areas => new()
    {
        { "auth", ResourceNames.Auth },
        { "reports", ResourceNames.Reporting },
        { "gamification", ResourceNames.Gamification },
        { "coupons", ResourceNames.Coupons },
        { "notifications", ResourceNames.Notifications },
    };

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [MemberData(nameof(Areas))]
    public async Task An_areas_paths_reach_its_service_unchanged(string area, string service)
    {
        foreach (var path in new[] { $"/api/v1/{area}", $"/api/v1/{area}/", $"/api/v1/{area}/a/b?c=d&e=%20", $"/api/v1/{area}/.well-known/jwks.json" })
        {
            using var response = await Gateway.Client.GetAsync(path, Cancel);

            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(service);
            response.Headers.Contains("Deprecation").ShouldBeFalse();
            Gateway[service].Requests[^1].Target.ShouldBe(path);
        }
    }

    [Theory]
    [InlineData("/api/v1/gamification/points/redeem")]
    [InlineData("/api/gamification/points/redeem/")]
    public async Task Redeeming_points_reaches_Coupons(string path)
    {
        using var response = await Gateway.Client.PostAsync(path, null, Cancel);

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(ResourceNames.Coupons);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    public async Task Every_method_is_forwarded(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/v1/coupons/1");

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        Gateway[ResourceNames.Coupons].Requests[^1].Method.ShouldBe(method);
    }

    [Theory]
    [InlineData("/internal/v1/points")]
    [InlineData("/internal")]
    [InlineData("/api/internal/v1/points")]
    [InlineData("/api/v1/internal/points")]
    [InlineData("/api/v1/reporting")]
    [InlineData("/api/v2/reports")]
    [InlineData("/api/v1")]
    [InlineData("/nothing")]
    public async Task Other_paths_return_404(string path)
    {
        using var response = await Gateway.Client.GetAsync(path, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("not_found");
    }

    [Theory]
    [InlineData("/api/v1/reports/../../../internal/v1/x")]
    [InlineData("/api/v1/reports/%2e%2e/%2e%2e/%2e%2e/internal/v1/x")]
    [InlineData("/api/v1/reports/..%2f..%2f..%2finternal/v1/x")]
    [InlineData("/api/v1/reports/%2e%2e%2f%2e%2e%2f%2e%2e%2finternal/v1/x")]
    [InlineData("/api/v1/reports/%252e%252e/%252e%252e/%252e%252e/internal/v1/x")]
    [InlineData("/api/v1/reports/..%5c..%5c..%5cinternal/v1/x")]
    [InlineData("/api/v1/reports/..\\..\\..\\internal/v1/x")]
    [InlineData("/api/v1/reports/..;/..;/..;/internal/v1/x")]
    [InlineData("/api/reports/..%2f..%2f..%2finternal/v1/x")]
    [InlineData("/api/reports/../../internal/v1/x")]
    [InlineData("//internal/v1/x")]
    [InlineData("/./internal/v1/x")]
    [InlineData("/%69nternal/v1/x")]
    [InlineData("/api/v1/reports//../../../internal/v1/x")]
    [InlineData("http://reporting/internal/v1/x")]
    public async Task Path_traversal_does_not_reach_internal_endpoints(string target)
    {
        await Gateway.SendRawAsync(target);

        // The path stays in its area even if the service decodes it twice.
        foreach (var seen in Gateway[ResourceNames.Reporting].Requests)
        {
            seen.Target.ShouldStartWith("/api/v1/reports");
            var asRead = Uri.UnescapeDataString(Uri.UnescapeDataString(seen.Target)).Replace('\\', '/');
            new Uri(new Uri("http://service"), asRead).AbsolutePath.ShouldStartWith("/api/v1/reports");
        }
    }

    [Fact]
    public async Task The_correlation_id_is_forwarded_and_returned_once()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/reports");
        request.Headers.Add("X-Correlation-Id", "order-66");

        using var response = await Gateway.Client.SendAsync(request, Cancel);
        using var without = await Gateway.Client.GetAsync("/api/v1/reports", Cancel);

        response.Headers.GetValues("X-Correlation-Id").ShouldBe(["order-66"]);
        var made = without.Headers.GetValues("X-Correlation-Id").ShouldHaveSingleItem();
        Gateway[ResourceNames.Reporting].Requests.Select(seen => seen.Headers["X-Correlation-Id"]).ShouldBe(["order-66", made]);
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("tab\there")]
    [InlineData("")]
    public async Task An_invalid_correlation_id_is_replaced_in_every_response(string invalid)
    {
        await Gateway.StopAsync(ResourceNames.Coupons);
        foreach (var path in new[] { "/api/v1/reports", "/api/v1/coupons", "/nothing", "/health", "/api/v1/reports/..%2f..", "/docs" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("X-Correlation-Id", invalid.Length == 0 ? new string('a', 129) : invalid);

            using var response = await Gateway.Client.SendAsync(request, Cancel);

            response.Headers.GetValues("X-Correlation-Id").ShouldHaveSingleItem().ShouldMatch("^[0-9a-f]{32}$");
        }

        Gateway[ResourceNames.Reporting].Requests[^1].Headers["X-Correlation-Id"].ShouldMatch("^[0-9a-f]{32}$");
    }

    [Fact]
    public async Task The_trace_context_is_forwarded()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/reports");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        await Gateway.Client.SendAsync(request, Cancel);

        Gateway[ResourceNames.Reporting].Requests[^1].Headers["traceparent"].ShouldContain("0af7651916cd43dd8448eb211c80319c");
    }

    [Fact]
    public async Task An_unreachable_service_returns_503_with_Retry_After()
    {
        await Gateway.StopAsync(ResourceNames.Coupons);

        using var response = await Gateway.Client.GetAsync("/api/v1/coupons", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        problem.GetProperty("code").GetString().ShouldBe("unavailable");
        problem.GetProperty("trace_id").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_services_own_errors_are_unchanged()
    {
        Gateway[ResourceNames.Reporting].Respond = async context =>
        {
            context.Response.StatusCode = 502;
            context.Response.ContentType = "application/problem+json";
            await context.Response.WriteAsync("""{"code":"its_own"}""");
        };

        using var response = await Gateway.Client.GetAsync("/api/v1/reports", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("""{"code":"its_own"}""");
    }

    [Fact]
    public async Task A_large_request_body_is_streamed()
    {
        const int Size = 10 * 1024 * 1024;
        var firstByte = new TaskCompletionSource();
        Gateway[ResourceNames.Reporting].Respond = async context =>
        {
            var buffer = new byte[64 * 1024];
            long total = 0;
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0; total += read)
            {
                firstByte.TrySetResult();
            }

            await context.Response.WriteAsync(total.ToString());
        };
        using var content = new HalfwayContent(Size, firstByte.Task);

        using var response = await Gateway.Client.PostAsync("/api/v1/reports/1/photos", content, Cancel);

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(Size.ToString());
    }

    [Fact]
    public async Task A_large_response_is_streamed()
    {
        var firstHalf = new TaskCompletionSource();
        Gateway[ResourceNames.Reporting].Respond = async context =>
        {
            await context.Response.Body.WriteAsync(new byte[5 * 1024 * 1024]);
            await firstHalf.Task;
            await context.Response.Body.WriteAsync(new byte[5 * 1024 * 1024]);
        };

        using var response = await Gateway.Client.GetAsync("/api/v1/reports/export.geojson", HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var body = await response.Content.ReadAsStreamAsync(Cancel);
        await body.ReadExactlyAsync(new byte[5 * 1024 * 1024], Cancel);
        firstHalf.SetResult();
        await body.ReadExactlyAsync(new byte[5 * 1024 * 1024], Cancel);

        (await body.ReadAsync(new byte[1], Cancel)).ShouldBe(0);
    }

    [Fact]
    public async Task A_body_over_the_services_limit_returns_413()
    {
        Gateway[ResourceNames.Reporting].MaxBody = 1024 * 1024;
        Gateway[ResourceNames.Reporting].Respond = async context =>
        {
            try
            {
                await context.Request.Body.CopyToAsync(Stream.Null);
            }
            catch (BadHttpRequestException exception)
            {
                context.Response.StatusCode = exception.StatusCode;
            }
        };

        for (var count = 0; count < 20; count++)
        {
            using var content = new ByteArrayContent(new byte[3 * 1024 * 1024]);
            using var response = await Gateway.Client.PostAsync("/api/v1/reports", content, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        }
    }

    [Theory]
    [InlineData("reports", 1)]
    [InlineData("reports/batch", 5)]
    [InlineData("reports/imports", 5)]
    [InlineData("reports/areas/import", 10)]
    public async Task A_body_over_the_gateways_limit_returns_413(string path, int megabytes)
    {
        Gateway[ResourceNames.Reporting].Respond = context => context.Request.Body.CopyToAsync(Stream.Null);
        foreach (var (more, expected) in ((int, HttpStatusCode)[])[(0, HttpStatusCode.OK), (1, HttpStatusCode.RequestEntityTooLarge)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/{path}") { Content = new ByteArrayContent(new byte[(megabytes * 1024 * 1024) + more]) };
            request.Headers.ExpectContinue = true;

            using var response = await Gateway.Client.SendAsync(request, Cancel);

            response.StatusCode.ShouldBe(expected);
            if (more > 0)
            {
                (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("too_large");
            }
        }
    }

    /// <summary>Sends the second half after the service has received the first: a buffering proxy would wait forever.</summary>
    private sealed class HalfwayContent(int size, Task halfway) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[size / 2]);
            await stream.FlushAsync();
            await halfway;
            await stream.WriteAsync(new byte[size / 2]);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = size;
            return true;
        }
    }
}
