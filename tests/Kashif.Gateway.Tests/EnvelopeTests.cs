using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Gateway.Representation;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary><c>Prefer: envelope</c>, for the clients of the older notification API.</summary>
public sealed class EnvelopeTests : IAsyncLifetime
{
    private const string Path = "/api/v1/notifications";
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private FakeService Service => Gateway[ResourceNames.Notifications];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [InlineData("envelope", true)]
    [InlineData("ENVELOPE", true)]
    [InlineData("respond-async, envelope;a=b ; c, wait=5", true)]
    [InlineData("envelope=\"\"", true)]
    [InlineData("a=\"x, envelope\"", false)]
    [InlineData("a=\"\\\", envelope\"", false)]
    [InlineData("envelopes", false)]
    [InlineData("envelope=no", false)]
    [InlineData("return=minimal", false)]
    [InlineData("", false)]
    public void The_preference_is_found_among_others(string header, bool expected) => Preferences.Has(header, "envelope").ShouldBe(expected);

    [Fact]
    public async Task A_response_becomes_the_data()
    {
        Respond(201, """{"id":1,"name":"كاشف <b>"}""");

        using var response = await SendAsync();

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(
            """{"success":true,"data":{"id":1,"name":"كاشف <b>"},"error":null,"message":"Created","meta":null}""");
        response.Headers.GetValues("Preference-Applied").ShouldBe(["envelope"]);
        response.Headers.Vary.ShouldContain("Prefer");
        response.Content.Headers.ContentLength.ShouldBe((await response.Content.ReadAsByteArrayAsync(Cancel)).Length);
    }

    [Theory]
    [InlineData("[1,2]", "[1,2]")]
    [InlineData("null", "null")]
    [InlineData(" 7 ", "7")]
    [InlineData("""{"items":1,"next_cursor":null}""", """{"items":1,"next_cursor":null}""")]
    [InlineData("""{"items":[]}""", """{"items":[]}""")]
    public async Task Any_JSON_value_becomes_the_data(string body, string data)
    {
        Respond(200, body);

        using var response = await SendAsync();

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe($$"""{"success":true,"data":{{data}},"error":null,"message":"OK","meta":null}""");
    }

    [Theory]
    [InlineData("\"abc\"", "true")]
    [InlineData("null", "false")]
    public async Task A_lists_items_become_the_data_and_the_rest_the_meta(string cursor, string hasNext)
    {
        Respond(200, $$"""{"items":[{"a":1.50}],"next_cursor":{{cursor}},"period":"all"}""");

        using var response = await SendAsync();

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(
            $$$"""{"success":true,"data":[{"a":1.50}],"error":null,"message":"OK","meta":{"next_cursor":{{{cursor}}},"period":"all","has_next":{{{hasNext}}}}}""");
    }

    [Fact]
    public async Task A_problems_code_and_detail_become_error_and_message()
    {
        Respond(422, """{"type":"urn:x","title":"T","status":422,"detail":"Too few.","code":"insufficient_points","trace_id":"t","errors":{"a":["b"]}}""", "application/problem+json");

        using var response = await SendAsync();

        response.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/json");
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(
            """{"success":false,"data":null,"error":"insufficient_points","message":"Too few.","meta":{"type":"urn:x","title":"T","status":422,"trace_id":"t","errors":{"a":["b"]}}}""");
    }

    [Fact]
    public async Task An_error_without_a_code_is_not_a_success()
    {
        Respond(400, """[{"code":400,"description":"Open311"}]""");

        using var response = await SendAsync();

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(
            """{"success":false,"data":[{"code":400,"description":"Open311"}],"error":"http_400","message":"Bad Request","meta":null}""");
    }

    [Fact]
    public async Task The_gateways_own_errors_are_wrapped()
    {
        await Gateway.StopAsync(ResourceNames.Coupons);

        foreach (var (path, status, code) in new[] { ("/nothing", 404, "not_found"), ("/api/v1/coupons", 503, "unavailable") })
        {
            using var response = await SendAsync(path);
            ((int)response.StatusCode).ShouldBe(status);
            var envelope = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            envelope.GetProperty("success").GetBoolean().ShouldBeFalse();
            envelope.GetProperty("error").GetString().ShouldBe(code);
            envelope.GetProperty("meta").GetProperty("trace_id").GetString().ShouldNotBeNullOrEmpty();
            response.Headers.Contains("X-Correlation-Id").ShouldBeTrue();
        }
    }

    [Fact]
    public async Task A_response_without_JSON_is_not_wrapped()
    {
        Respond(200, "<a/>", "application/xml");
        using var xml = await SendAsync();
        (await xml.Content.ReadAsStringAsync(Cancel)).ShouldBe("<a/>");
        xml.Headers.Contains("Preference-Applied").ShouldBeFalse();

        Respond(200, "{broken");
        using var broken = await SendAsync();
        (await broken.Content.ReadAsStringAsync(Cancel)).ShouldBe("{broken");
        broken.Headers.Contains("Preference-Applied").ShouldBeFalse();

        Service.Respond = context =>
        {
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        };
        using var nothing = await SendAsync();
        nothing.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await nothing.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
        nothing.Headers.Contains("Preference-Applied").ShouldBeFalse();
    }

    [Fact]
    public async Task Without_the_preference_there_is_no_envelope_but_Vary()
    {
        Respond(200, "{}");

        using var response = await Gateway.Client.GetAsync(Path, Cancel);

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("{}");
        response.Headers.Vary.ShouldContain("Prefer");
        response.Headers.Contains("Preference-Applied").ShouldBeFalse();
    }

    [Fact]
    public async Task A_cached_response_is_wrapped_with_its_own_etag()
    {
        Respond(200, """{"a":1}""", cacheControl: "public, max-age=60", tag: "\"v1\"");
        const string Wrapped = """{"success":true,"data":{"a":1},"error":null,"message":"OK","meta":null}""";

        using var plain = await Gateway.Client.GetAsync(Path, Cancel);
        using var first = await SendAsync();
        using var second = await SendAsync();
        foreach (var response in new[] { first, second })
        {
            (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(Wrapped);
            (response.Headers.ETag?.ToString()).ShouldBe("\"v1-envelope\"");
        }

        (await plain.Content.ReadAsStringAsync(Cancel)).ShouldBe("""{"a":1}""");
        using var known = await SendAsync(ifNoneMatch: "\"v1-envelope\"");
        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (known.Headers.ETag?.ToString()).ShouldBe("\"v1-envelope\"");
        using var other = await SendAsync(ifNoneMatch: "\"v1\"");
        (await other.Content.ReadAsStringAsync(Cancel)).ShouldBe(Wrapped);
        using var otherWay = new HttpRequestMessage(HttpMethod.Get, Path);
        otherWay.Headers.Add("If-None-Match", "\"v1-envelope\"");
        using var unwrapped = await Gateway.Client.SendAsync(otherWay, Cancel);
        unwrapped.StatusCode.ShouldBe(HttpStatusCode.OK);
        Service.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_envelopes_etag_in_If_Match_reaches_the_service_without_suffix()
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, "/api/v1/reports/1/status");
        request.Headers.Add("If-Match", "\"3-envelope\"");

        await Gateway.Client.SendAsync(request, Cancel);

        Gateway[ResourceNames.Reporting].Requests[^1].Headers["If-Match"].ShouldBe("\"3\"");
    }

    [Fact]
    public async Task The_envelope_is_compressed()
    {
        var text = new string('a', 5000);
        Respond(200, $"\"{text}\"", cacheControl: "public, max-age=60", tag: "\"v1\"");

        for (var round = 0; round < 2; round++)
        {
            using var response = await SendAsync(acceptEncoding: "gzip");

            response.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
            (response.Headers.ETag?.ToString()).ShouldBe("W/\"v1-envelope\"");
            await using var plain = new System.IO.Compression.GZipStream(
                await response.Content.ReadAsStreamAsync(Cancel), System.IO.Compression.CompressionMode.Decompress);
            (await JsonSerializer.DeserializeAsync<JsonElement>(plain, cancellationToken: Cancel)).GetProperty("data").GetString().ShouldBe(text);
        }

        Service.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_long_response_is_streamed_in_the_envelope()
    {
        var half = Encoding.UTF8.GetBytes($"\"{new string('a', 2 * 1024 * 1024)}");
        var release = new TaskCompletionSource();
        Service.Respond = async context =>
        {
            context.Response.ContentType = "application/geo+json";
            await context.Response.Body.WriteAsync(half);
            await context.Response.Body.FlushAsync();
            await release.Task;
            await context.Response.Body.WriteAsync("\""u8.ToArray());
        };

        using var request = Request(Path);
        using var response = await Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        await using var body = await response.Content.ReadAsStreamAsync(Cancel);
        var start = new byte[1024 * 1024];
        await body.ReadExactlyAsync(start, Cancel);
        release.SetResult();
        using var rest = new MemoryStream();
        await body.CopyToAsync(rest, Cancel);

        var envelope = JsonSerializer.Deserialize<JsonElement>([.. start, .. rest.ToArray()]);
        envelope.GetProperty("success").GetBoolean().ShouldBeTrue();
        (envelope.GetProperty("data").GetString()?.Length).ShouldBe(2 * 1024 * 1024);
        envelope.GetProperty("message").GetString().ShouldBe("OK");
    }

    [Fact]
    public async Task An_incomplete_response_returns_503()
    {
        Service.Respond = async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("{\"a\":1}");
            await context.Response.Body.FlushAsync();
            context.Abort();
        };

        using var response = await SendAsync();

        ((int)response.StatusCode).ShouldBe(503);
        var envelope = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        envelope.GetProperty("error").GetString().ShouldBe("unavailable");
        envelope.GetProperty("data").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task HEAD_returns_the_headers_of_GET()
    {
        Respond(200, "{}", tag: "\"v1\"");
        using var request = Request(Path);
        request.Method = HttpMethod.Head;

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.Headers.GetValues("Preference-Applied").ShouldBe(["envelope"]);
        (response.Headers.ETag?.ToString()).ShouldBe("\"v1-envelope\"");
        response.Content.Headers.ContentLength.ShouldNotBe(2);
    }

    private void Respond(int status, string body, string type = "application/json; charset=utf-8", string? cacheControl = null, string? tag = null) =>
        Service.Respond = context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            context.Response.Headers.CacheControl = cacheControl;
            context.Response.Headers.ETag = tag;
            context.Response.ContentLength = Encoding.UTF8.GetByteCount(body);
            return context.Response.WriteAsync(body);
        };

    private static HttpRequestMessage Request(string path) => new(HttpMethod.Get, path) { Headers = { { "Prefer", "envelope" } } };

    private async Task<HttpResponseMessage> SendAsync(string path = Path, string? ifNoneMatch = null, string? acceptEncoding = null)
    {
        using var request = Request(path);
        if (ifNoneMatch is not null)
        {
            request.Headers.Add("If-None-Match", ifNoneMatch);
        }

        if (acceptEncoding is not null)
        {
            request.Headers.Add("Accept-Encoding", acceptEncoding);
        }

        return await Gateway.Client.SendAsync(request, Cancel);
    }
}
