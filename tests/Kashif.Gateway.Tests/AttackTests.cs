using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Tests;

/// <summary>
/// Requests that try to confuse a proxy and its services. None may cause a 5xx, reach <c>/internal</c>, or become two requests to
/// the service.
/// </summary>
public sealed partial class AttackTests : IAsyncLifetime
{
    private const string Smuggled = "GET /api/v1/coupons/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

    /// <summary>Closes the connection, if the gateway still reads requests from it after the attack.</summary>
    private const string End = "GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayService.StartAsync();
        foreach (var (_, service) in Services())
        {
            service.Respond = async context =>
            {
                try
                {
                    await context.Request.Body.CopyToAsync(Stream.Null);
                }
                catch (BadHttpRequestException)
                {
                    // The gateway aborted the body.
                }
            };
        }
    }

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    /// <summary>Request smuggling: the proxy and the service might disagree on where a request ends.</summary>
    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 60\r\n\r\nabcde")]
    [InlineData("Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde")]
    [InlineData("Content-Length: 5, 60\r\n\r\nabcde")]
    [InlineData("Content-Length: +5\r\n\r\nabcde")]
    [InlineData("Content-Length: -1\r\n\r\n")]
    [InlineData("Content-Length: 0x5\r\n\r\nabcde")]
    [InlineData("Content-Length: 99999999999999999999\r\n\r\nabcde")]
    [InlineData("Content-Length : 5\r\n\r\nabcde")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 0\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: identity\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding\0: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Foo: bar\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData(" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n0;x=\n\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5;a\nabcde\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\nabcde\n0\n\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5 \r\nabcde\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 60\r\nAuthorization: Bearer x\r\n\r\n")]
    [InlineData("Connection: Content-Length\r\nContent-Length: 5\r\n\r\nabcde")]
    [InlineData("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 777\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("Expect: nonsense\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("Content-Length: 0\r\n\r\n")]
    public async Task An_ambiguous_length_does_not_smuggle_a_second_request(string rest)
    {
        // The gateway treats what follows either as a request, which counts, or as the body.
        // In the second case the connection stays open.
        var response = await Gateway.SendBytesAsync($"POST /api/v1/coupons/first HTTP/1.1\r\nHost: x\r\n{rest}{Smuggled}{End}", TimeSpan.FromSeconds(5));

        var statuses = Statuses(response);
        statuses.ShouldAllBe(status => status < 500);
        var seen = Gateway[ResourceNames.Coupons].Requests;
        seen.Count(request => request.Target == "/api/v1/coupons/first").ShouldBeLessThanOrEqualTo(1);

        // The service receives no request for which the gateway has not sent a response.
        seen.Count.ShouldBeLessThanOrEqualTo(statuses.Count);
        (seen.Count(request => request.Target.EndsWith("smuggled")) == 0 || statuses.Count >= 2).ShouldBeTrue(response);
    }

    [Theory]
    [InlineData("GET /api/v1/coupons HTTP/1.1\n Host: x\n\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A\0: b\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A: b\r\n\tfolded: c\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x/../internal\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x@evil\r\n\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x y\r\n\r\n")]
    [InlineData("GET http://coupons/internal/v1/x HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/coupons\0 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/coupons%00 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET  /api/v1/coupons HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("G\u00e9T /api/v1/coupons HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT coupons:80 HTTP/1.1\r\nHost: coupons:80\r\n\r\n")]
    [InlineData("CONNECT /api/v1/coupons HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET api/v1/coupons HTTP/1.1\r\nHost: x\r\n\r\n")]
    public async Task A_malformed_request_returns_4xx_without_reaching_a_service(string bytes)
    {
        var statuses = Statuses(await Gateway.SendBytesAsync(bytes + End, Patience));

        statuses.ShouldNotBeEmpty();
        statuses[0].ShouldBeInRange(400, 499);
        Services().ShouldAllBe(service => service.Service.Requests.Count == 0);
    }

    /// <summary>505 is the one correct 5xx. The response to an HTTP/2 preface is in HTTP/2, so it has no HTTP/1 status.</summary>
    [Theory]
    [InlineData("GET /api/v1/coupons HTTP/9.9\r\nHost: x\r\n\r\n", 505)]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", null)]
    public async Task Another_HTTP_version_is_rejected(string bytes, int? status)
    {
        Statuses(await Gateway.SendBytesAsync(bytes + End, Patience)).Cast<int?>().FirstOrDefault().ShouldBe(status);
        Services().ShouldAllBe(service => service.Service.Requests.Count == 0);
    }

    [Theory]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("TRACE /api/v1/coupons HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("FOO /api/v1/coupons HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.0\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: coupons\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: 127.0.0.1:1\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A: \u00c3\u00a9\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A: \u00ff\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nAccept: \u00c3\u00a9, ,;=\"\r\nIf-None-Match: ,,\"\r\nRange: bytes=9-1,-,x\r\nContent-Type: ;;\r\nDate: never\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip, br\r\nContent-Range: nonsense\r\nAllow: \u0001\r\n")]
    [InlineData("GET /api/v1/coupons?q=%00%ff%c3%28&<script>=\"'` HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("GET /api/v1/coupons/%e2%80%ae/%f0%9f%92%a9 HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("GET /api/v1/coupons/%c0%ae%c0%ae/%ff HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Host, Authorization, X-Forwarded-For\r\n")]
    [InlineData("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nCookie: c=d\r\nTE: trailers, gzip;q=0.5\r\nTrailer: Authorization\r\nMax-Forwards: 0\r\n")]
    [InlineData("GET /api/coupons/%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: a b\r\n")]
    public async Task An_unusual_request_does_not_cause_a_5xx(string head)
    {
        var response = await Gateway.SendBytesAsync($"{head}Connection: close\r\n\r\n", Patience);

        Statuses(response).ShouldHaveSingleItem().ShouldBeLessThan(500);
        response.ShouldNotContain("\nSet-Cookie", Case.Insensitive);
        Gateway[ResourceNames.Coupons].Requests.Count.ShouldBeLessThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("/api/v1/auth/../internal/v1/x")]
    [InlineData("/api/v1/auth/../../../internal/v1/x")]
    [InlineData("/api/v1/auth/%2e%2e/%2e%2e/%2e%2e/internal/v1/x")]
    [InlineData("/api/v1/auth/..%2f..%2f..%2finternal/v1/x")]
    [InlineData("/api/v1/auth/..%252f..%252f..%252finternal/v1/x")]
    [InlineData("/api/v1/auth/%252e%252e%252f%252e%252e%252f%252e%252e%252finternal/v1/x")]
    [InlineData("/api/v1/auth/..%c0%af..%c0%af..%c0%afinternal/v1/x")]
    [InlineData("/api/v1/auth/%c0%ae%c0%ae/%c0%ae%c0%ae/internal/v1/x")]
    [InlineData("/api/v1/auth/..\\..\\..\\internal\\v1\\x")]
    [InlineData("/api/v1/auth/..%5c..%5c..%5cinternal/v1/x")]
    [InlineData("/api/v1/auth/..;/..;/..;/internal/v1/x")]
    [InlineData("/api/v1/auth/.%00./.%00./internal/v1/x")]
    [InlineData("/api/v1/auth/.%09./internal/v1/x")]
    [InlineData("/api/v1/auth/%u002e%u002e/internal/v1/x")]
    [InlineData("/api/v1/auth#/../../../internal/v1/x")]
    [InlineData("/api/v1/auth?/../../../internal/v1/x")]
    [InlineData("//internal/v1/x")]
    [InlineData("///internal/v1/x")]
    [InlineData("/internal/v1/x")]
    [InlineData("/INTERNAL/v1/x")]
    [InlineData("/%2finternal/v1/x")]
    [InlineData("/api/v1//internal/v1/x")]
    [InlineData("/api//auth/../internal/v1/x")]
    [InlineData("/api/internal/v1/x")]
    [InlineData("/openapi/../internal/v1/x")]
    [InlineData("/docs/../internal/v1/x")]
    [InlineData("/docs/..%2finternal/v1/x")]
    public async Task No_path_reaches_internal_endpoints(string target)
    {
        var response = await Gateway.SendRawAsync(target);

        Statuses(response).ShouldHaveSingleItem().ShouldBeLessThan(500);
        foreach (var (area, service) in Services())
        {
            foreach (var seen in service.Requests)
            {
                // The path stays in its area even if the service decodes it repeatedly.
                var path = seen.Target.Split('?')[0];
                for (var decoded = Uri.UnescapeDataString(path); decoded != path; decoded = Uri.UnescapeDataString(path))
                {
                    path = decoded;
                }

                new Uri(new Uri("http://service"), path.Replace('\\', '/')).AbsolutePath.ShouldStartWith($"/api/v1/{area}");
            }
        }
    }

    /// <summary>Decoding all of it would take time and memory quadratic in its length.</summary>
    [Fact]
    public async Task A_path_encoded_many_times_returns_404()
    {
        var encoded = $"%{string.Concat(Enumerable.Repeat("25", 3000))}41";

        Statuses(await Gateway.SendRawAsync($"/api/v1/coupons/{encoded}")).ShouldBe([404]);
        Statuses(await Gateway.SendRawAsync("/api/v1/coupons/100%2525")).ShouldBe([200]);

        Gateway[ResourceNames.Coupons].Requests.ShouldHaveSingleItem().Target.ShouldBe("/api/v1/coupons/100%2525");
    }

    [Fact]
    public async Task Two_Authorization_headers_return_401()
    {
        var good = GatewayServers.Issuer.TokenFor(Guid.CreateVersion7());
        foreach (var (first, second) in new[] { ($"Bearer {good}", $"Bearer {good}"), ("Basic eDp5", $"Bearer {good}"), ($"Bearer {good}", "Bearer nonsense") })
        {
            var response = await Gateway.SendBytesAsync(
                $"GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nAuthorization: {first}\r\nAuthorization: {second}\r\nConnection: close\r\n\r\n");
            Statuses(response).ShouldBe([401]);
        }

        Gateway[ResourceNames.Coupons].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_Connection_header_cannot_remove_other_headers()
    {
        var token = $"Bearer {GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())}";

        await Gateway.SendBytesAsync(
            $"GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nX-User-Id: 1\r\nConnection: close, Authorization, X-Forwarded-For, X-Correlation-Id, traceparent\r\n\r\n");

        var seen = Gateway[ResourceNames.Coupons].Requests.ShouldHaveSingleItem().Headers;
        seen["Authorization"].ShouldBe(token);
        seen["X-Forwarded-For"].ShouldBe("127.0.0.1");
        seen.Keys.ShouldContain("X-Correlation-Id");
        seen.Keys.ShouldContain("traceparent");
        seen.Keys.ShouldNotContain("X-User-Id");
    }

    [Theory]
    [InlineData("X-Long", 40_000)]
    [InlineData("Authorization", 40_000)]
    [InlineData("Cookie", 33_000)]
    public async Task Oversized_headers_return_431(string name, int length)
    {
        var response = await Gateway.SendBytesAsync($"GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\n{name}: {new string('a', length)}\r\nConnection: close\r\n\r\n");

        Statuses(response).ShouldBe([431]);
        Gateway[ResourceNames.Coupons].Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(95)]
    [InlineData(99)]
    [InlineData(1000)]
    public async Task Many_headers_or_a_long_request_line_do_not_cause_a_5xx(int count)
    {
        var headers = string.Concat(Enumerable.Range(0, count).Select(number => $"X-{number}: a\r\n"));
        var many = await Gateway.SendBytesAsync($"GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\n{headers}\r\n{End}", Patience);
        var line = await Gateway.SendBytesAsync($"GET /api/coupons/{new string('a', 8 * count)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", Patience);

        Statuses(many)[0].ShouldBeLessThan(500);
        Statuses(line)[0].ShouldBeLessThan(500);
    }

    [Theory]
    [InlineData("/api/v1/reports", 1024 * 1024, 200)]
    [InlineData("/api/v1/reports", (1024 * 1024) + 1, 413)]
    [InlineData("/api/reports/", 3 * 1024 * 1024, 413)]
    [InlineData("/api/v1/auth/register", 2 * 1024 * 1024, 413)]
    [InlineData("/api/v1/reports/1/photos", 12 * 1024 * 1024, 200)]
    [InlineData("/api/v1/reports/1/photos", (12 * 1024 * 1024) + 1, 413)]
    public async Task A_body_over_the_limit_of_its_route_returns_413(string path, int size, int status)
    {
        foreach (var isChunked in new[] { false, true })
        {
            // Kestrel counts the framing of a chunked body too.
            var length = isChunked && status == 200 ? size / 10 * 9 : size;
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(new byte[length]) };
            request.Headers.TransferEncodingChunked = isChunked;
            request.Headers.ExpectContinue = isChunked;

            using var response = await Gateway.Client.SendAsync(request, Cancel);

            ((int)response.StatusCode).ShouldBe(status, $"chunked: {isChunked}");
            if (status == 413)
            {
                (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("too_large");
            }
        }
    }

    [Fact]
    public async Task A_grpc_content_type_does_not_remove_the_body_limit()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new ByteArrayContent(new byte[100]) };
        request.Content.Headers.Add("Content-Type", "application/grpc+proto");

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        Gateway[ResourceNames.Reporting].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_clients_bad_requests_do_not_mark_a_service_unhealthy()
    {
        for (var count = 0; count < 30; count++)
        {
            await Gateway.SendBytesAsync("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A: \u00c3\u00a9\r\nConnection: close\r\n\r\n");
            await Gateway.SendBytesAsync("POST /api/v1/coupons HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", TimeSpan.FromMilliseconds(20));
        }

        Gateway.Provider.GetRequiredService<IProxyStateLookup>().TryGetCluster(ResourceNames.Coupons, out var cluster).ShouldBeTrue();
        cluster.ShouldNotBeNull().Destinations.Values.Select(destination => destination.Health.Passive).ShouldNotContain(DestinationHealth.Unhealthy);
    }

    [Fact]
    public async Task Connections_over_the_limit_are_closed_until_others_end()
    {
        await using var gateway = await GatewayService.StartAsync(("Connections:Max", "2"));
        using (var first = await OpenAsync(gateway))
        using (var second = await OpenAsync(gateway))
        {
            (await gateway.SendRawAsync("/alive")).ShouldBeEmpty();
        }

        await Eventually.TrueAsync(async () => (await gateway.SendRawAsync("/alive")).StartsWith("HTTP/1.1 200"), "a free connection");
    }

    [Fact]
    public async Task Headers_that_do_not_end_return_408()
    {
        await using var gateway = await GatewayService.StartAsync(("Connections:HeadersTimeout", "00:00:01"));

        Statuses(await gateway.SendBytesAsync("GET /alive HTTP/1.1\r\nHost: x\r\nX-Slow: ")).ShouldBe([408]);
    }

    /// <summary>A connection that the gateway has accepted.</summary>
    private static async Task<TcpClient> OpenAsync(GatewayService gateway)
    {
        var client = new TcpClient();
        await client.ConnectAsync(gateway.Address.Host, gateway.Address.Port, Cancel);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n"), Cancel);
        (await client.GetStream().ReadAsync(new byte[1], Cancel)).ShouldBe(1);
        return client;
    }

    private IEnumerable<(string Area, FakeService Service)> Services() =>
        RoutingTests.Areas.Select(row => (row.Data.Item1, Gateway[row.Data.Item2]));

    private static List<int> Statuses(string response) =>
        [.. StatusLine().Matches(response).Select(match => int.Parse(match.Groups[1].ValueSpan, provider: null)).Where(status => status != 100)];

    [GeneratedRegex("HTTP/1\\.[01] ([0-9]{3})")]
    private static partial Regex StatusLine();
}
