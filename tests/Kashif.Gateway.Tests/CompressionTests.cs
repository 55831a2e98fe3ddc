using System.IO.Compression;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary>Text is compressed once per coding, unless it is short or contains secrets.</summary>
public sealed class CompressionTests : IAsyncLifetime
{
    private const string Path = "/api/v1/reports/export.geojson";
    private static readonly string Body = $$"""{"text":"{{new string('a', 5000)}}"}""";
    private GatewayService? _gateway;
    private int _responses;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("br;q=0.5, gzip", "gzip")]
    [InlineData("br;q=0, gzip;q=0.1", "gzip")]
    [InlineData("*", "br")]
    [InlineData("identity, br;q=0.5", null)]
    [InlineData("deflate", null)]
    [InlineData("gzip;q=0", null)]
    [InlineData("nonsense;;=", null)]
    [InlineData(null, null)]
    public async Task Accept_Encoding_selects_the_coding(string? accepted, string? expected)
    {
        Respond("application/json; charset=utf-8");

        using var response = await GetAsync(Path, accepted);

        response.Content.Headers.ContentEncoding.SingleOrDefault().ShouldBe(expected);
        response.Headers.Vary.ShouldContain("Accept-Encoding");
        (await ReadAsync(response)).ShouldBe(Body);
        if (expected is not null)
        {
            (await response.Content.ReadAsByteArrayAsync(Cancel)).Length.ShouldBeLessThan(500);
        }
    }

    [Theory]
    [InlineData("/api/v1/reports", "application/problem+json", true)]
    [InlineData("/api/v1/reports", "application/geo+json", true)]
    [InlineData("/api/v1/reports", "text/plain", true)]
    [InlineData("/api/v1/reports/1/photos/1", "image/jpeg", false)]
    [InlineData("/api/v1/reports/1/photos/1", "image/webp", false)]
    [InlineData("/api/v1/auth/token", "application/json", false)]
    [InlineData("/api/auth/token", "application/json", false)]
    [InlineData("/API/V1/AUTH/token", "application/json", false)]
    public async Task Text_without_secrets_is_compressed(string path, string type, bool expected)
    {
        Respond(type);

        using var response = await GetAsync(path, "br, gzip");

        response.Content.Headers.ContentEncoding.Count.ShouldBe(expected ? 1 : 0);
        (await ReadAsync(response)).ShouldBe(Body);
    }

    [Fact]
    public async Task A_short_response_is_not_compressed()
    {
        Gateway[ResourceNames.Reporting].Respond = context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = 2;
            return context.Response.WriteAsync("{}");
        };

        using var response = await GetAsync(Path, "br");

        response.Content.Headers.ContentEncoding.ShouldBeEmpty();
        response.Headers.Vary.ShouldContain("Accept-Encoding");
    }

    [Fact]
    public async Task Server_sent_events_are_not_buffered()
    {
        var second = new TaskCompletionSource();
        Gateway[ResourceNames.Notifications].Respond = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: 1\n\n");
            await context.Response.Body.FlushAsync();
            await second.Task;
            await context.Response.WriteAsync("data: 2\n\n");
        };

        foreach (var prefer in new[] { null, "envelope" })
        {
            using var request = Request("/api/v1/notifications/stream", "br, gzip");
            if (prefer is not null)
            {
                request.Headers.Add("Prefer", prefer);
            }

            using var response = await Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
            await using var stream = await response.Content.ReadAsStreamAsync(Cancel);
            using var reader = new StreamReader(stream);
            (await reader.ReadLineAsync(Cancel)).ShouldBe("data: 1");
            second.TrySetResult();
            (await reader.ReadToEndAsync(Cancel)).ShouldBe("\ndata: 2\n\n");
            response.Content.Headers.ContentEncoding.ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task The_cache_stores_one_response_per_coding()
    {
        Respond("application/json", "public, max-age=60", "\"v1\"");
        string?[] accepted = ["br", "gzip", null, "gzip, br", "*", "gzip;q=1, br;q=0.1", "deflate"];

        for (var round = 0; round < 2; round++)
        {
            foreach (var coding in accepted)
            {
                using var response = await GetAsync(Path, coding);
                (await ReadAsync(response)).ShouldBe(Body);
                var isCompressed = response.Content.Headers.ContentEncoding.Count > 0;
                (response.Headers.ETag?.ToString()).ShouldBe(isCompressed ? "W/\"v1\"" : "\"v1\"");
                response.Headers.Vary.ShouldContain("Accept-Encoding");
            }
        }

        _responses.ShouldBe(3);
    }

    [Theory]
    [InlineData("\"v1\"")]
    [InlineData("W/\"v1\"")]
    [InlineData("\"v0\", W/\"v1\"")]
    [InlineData("*")]
    public async Task The_etag_of_any_coding_returns_304(string known)
    {
        Respond("application/json", "public, max-age=60", "\"v1\"");
        using var first = await GetAsync(Path, "br");

        using var request = Request(Path, "br");
        request.Headers.Add("If-None-Match", known);
        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        response.Headers.Vary.ShouldContain("Accept-Encoding");
        (await response.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
        _responses.ShouldBe(1);
    }

    [Fact]
    public async Task A_weak_etag_in_If_Match_reaches_the_service_as_strong()
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, "/api/v1/reports/1/status");
        request.Headers.Add("If-Match", "W/\"3\", \"2\"");

        await Gateway.Client.SendAsync(request, Cancel);

        Gateway[ResourceNames.Reporting].Requests[^1].Headers["If-Match"].ShouldBe("\"3\", \"2\"");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("br")]
    public async Task HEAD_returns_the_headers_of_GET_without_a_body(string? accepted)
    {
        Respond("application/json", "public, max-age=60", "\"v1\"");
        using var request = Request(Path, accepted);
        request.Method = HttpMethod.Head;

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (response.Headers.ETag?.Tag).ShouldBe("\"v1\"");
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/json");
        (await response.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
        Gateway[ResourceNames.Reporting].Requests[^1].Method.ShouldBe("GET");
    }

    private void Respond(string type, string? cacheControl = null, string? tag = null)
    {
        Task RespondAsync(HttpContext context)
        {
            Interlocked.Increment(ref _responses);
            context.Response.ContentType = type;
            context.Response.Headers.CacheControl = cacheControl;
            context.Response.Headers.ETag = tag;
            return context.Response.WriteAsync(Body);
        }

        Gateway[ResourceNames.Reporting].Respond = RespondAsync;
        Gateway[ResourceNames.Auth].Respond = RespondAsync;
    }

    private static HttpRequestMessage Request(string path, string? accepted)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accepted is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        }

        return request;
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string? accepted)
    {
        using var request = Request(path, accepted);
        return await Gateway.Client.SendAsync(request, Cancel);
    }

    private static async Task<string> ReadAsync(HttpResponseMessage response)
    {
        await using var body = await response.Content.ReadAsStreamAsync(Cancel);
        await using Stream plain = response.Content.Headers.ContentEncoding.SingleOrDefault() switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        using var reader = new StreamReader(plain);
        return await reader.ReadToEndAsync(Cancel);
    }
}
