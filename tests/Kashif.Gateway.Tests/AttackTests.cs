using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Tests;

/// <summary>
/// What is sent to confuse a proxy and what is behind it. Whatever it is: no 5xx, nothing reaches <c>/internal</c>, and one
/// request is one request for the service.
/// </summary>
public sealed partial class AttackTests : IAsyncLifetime
{
    private const string Smuggled = "GET /api/v1/coupons/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

    /// <summary>If the gateway still understands the connection after the attack, this ends it.</summary>
    private const string End = "GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private GatewayHost? _gateway;

    private GatewayHost Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayHost.StartAsync();
        foreach (var (_, service) in Services())
        {
            service.Answer = async context =>
            {
                try
                {
                    await context.Request.Body.CopyToAsync(Stream.Null);
                }
                catch (BadHttpRequestException)
                {
                    // The gateway has broken the body off.
                }
            };
        }
    }

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    /// <summary>Two opinions on where a request ends, of which a proxy and a service might each have one.</summary>
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
    public async Task One_request_stays_one_request(string rest)
    {
        // What follows the attack is a request that the gateway sees, and is counted, or one that it takes for a body.
        var answer = await Gateway.SendBytesAsync($"POST /api/v1/coupons/first HTTP/1.1\r\nHost: x\r\n{rest}{Smuggled}{End}", Patience);

        var statuses = Statuses(answer);
        statuses.ShouldAllBe(status => status < 500);
        var seen = Gateway[ResourceNames.Coupons].Requests;
        seen.Count(request => request.Target == "/api/v1/coupons/first").ShouldBeLessThanOrEqualTo(1);

        // The service has heard of no request that the gateway has not answered as one of its own.
        seen.Count.ShouldBeLessThanOrEqualTo(statuses.Count);
        (seen.Count(request => request.Target.EndsWith("smuggled")) == 0 || statuses.Count >= 2).ShouldBeTrue(answer);
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
    [InlineData("GET api/v1/coupons HTTP/1.1\r\nHost: x\r\n\r\n")]
    public async Task What_is_no_request_reaches_nobody(string bytes)
    {
        var statuses = Statuses(await Gateway.SendBytesAsync(bytes + End, Patience));

        statuses.ShouldNotBeEmpty();
        statuses[0].ShouldBeInRange(400, 499);
        Services().ShouldAllBe(service => service.Service.Requests.Count == 0);
    }

    /// <summary>The one 5xx that is right, and HTTP/2 where only HTTP/1.1 is spoken, which is answered in HTTP/2.</summary>
    [Theory]
    [InlineData("GET /api/v1/coupons HTTP/9.9\r\nHost: x\r\n\r\n", 505)]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", null)]
    public async Task Another_http_is_refused_as_such(string bytes, int? status)
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
    public async Task What_is_odd_is_no_failure_of_ours(string head)
    {
        var answer = await Gateway.SendBytesAsync($"{head}Connection: close\r\n\r\n", Patience);

        Statuses(answer).ShouldHaveSingleItem().ShouldBeLessThan(500);
        answer.ShouldNotContain("\nSet-Cookie", Case.Insensitive);
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
    public async Task No_path_leads_inside(string target)
    {
        var answer = await Gateway.SendRawAsync(target);

        Statuses(answer).ShouldHaveSingleItem().ShouldBeLessThan(500);
        foreach (var (area, service) in Services())
        {
            foreach (var seen in service.Requests)
            {
                // However the service reads it, decoding it as often as it likes.
                var path = seen.Target.Split('?')[0];
                for (var decoded = Uri.UnescapeDataString(path); decoded != path; decoded = Uri.UnescapeDataString(path))
                {
                    path = decoded;
                }

                new Uri(new Uri("http://service"), path.Replace('\\', '/')).AbsolutePath.ShouldStartWith($"/api/v1/{area}");
            }
        }
    }

    /// <summary>Undoing it all would cost time and memory with the square of its length.</summary>
    [Fact]
    public async Task What_is_encoded_without_end_is_refused_before_it_is_decoded()
    {
        var encoded = $"%{string.Concat(Enumerable.Repeat("25", 3000))}41";

        Statuses(await Gateway.SendRawAsync($"/api/v1/coupons/{encoded}")).ShouldBe([404]);
        Statuses(await Gateway.SendRawAsync("/api/v1/coupons/100%2525")).ShouldBe([200]);

        Gateway[ResourceNames.Coupons].Requests.ShouldHaveSingleItem().Target.ShouldBe("/api/v1/coupons/100%2525");
    }

    [Fact]
    public async Task Two_authorizations_are_none()
    {
        var good = GatewayServers.Issuer.TokenFor(Guid.CreateVersion7());
        foreach (var (first, second) in new[] { ($"Bearer {good}", $"Bearer {good}"), ("Basic eDp5", $"Bearer {good}"), ($"Bearer {good}", "Bearer nonsense") })
        {
            var answer = await Gateway.SendBytesAsync(
                $"GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nAuthorization: {first}\r\nAuthorization: {second}\r\nConnection: close\r\n\r\n");
            Statuses(answer).ShouldBe([401]);
        }

        Gateway[ResourceNames.Coupons].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Nobody_can_have_a_header_dropped_on_the_way()
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
    public async Task Headers_without_measure_are_refused(string name, int length)
    {
        var answer = await Gateway.SendBytesAsync($"GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\n{name}: {new string('a', length)}\r\nConnection: close\r\n\r\n");

        Statuses(answer).ShouldBe([431]);
        Gateway[ResourceNames.Coupons].Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(95)]
    [InlineData(99)]
    [InlineData(1000)]
    public async Task Nor_do_many_headers_or_a_long_line_fail_anything(int count)
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
    public async Task A_body_that_is_too_large_is_refused_by_its_route(string path, int size, int status)
    {
        foreach (var isChunked in new[] { false, true })
        {
            // Of a chunked body Kestrel counts the frames too.
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
    public async Task Calling_it_grpc_does_not_lift_the_limit()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports") { Content = new ByteArrayContent(new byte[100]) };
        request.Content.Headers.Add("Content-Type", "application/grpc+proto");

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        Gateway[ResourceNames.Reporting].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_one_client_sends_does_not_make_a_service_look_ill()
    {
        for (var count = 0; count < 30; count++)
        {
            await Gateway.SendBytesAsync("GET /api/v1/coupons HTTP/1.1\r\nHost: x\r\nX-A: \u00c3\u00a9\r\nConnection: close\r\n\r\n");
            await Gateway.SendBytesAsync("POST /api/v1/coupons HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", TimeSpan.FromMilliseconds(20));
        }

        Gateway.Provider.GetRequiredService<IProxyStateLookup>().TryGetCluster(ResourceNames.Coupons, out var cluster).ShouldBeTrue();
        cluster.ShouldNotBeNull().Destinations.Values.Select(destination => destination.Health.Passive).ShouldNotContain(DestinationHealth.Unhealthy);
    }

    private IEnumerable<(string Area, FakeService Service)> Services() =>
        RoutingTests.Areas.Select(row => (row.Data.Item1, Gateway[row.Data.Item2]));

    private static List<int> Statuses(string answer) =>
        [.. StatusLine().Matches(answer).Select(match => int.Parse(match.Groups[1].ValueSpan, provider: null)).Where(status => status != 100)];

    [GeneratedRegex("HTTP/1\\.[01] ([0-9]{3})")]
    private static partial Regex StatusLine();
}
