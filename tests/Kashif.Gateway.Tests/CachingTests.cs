using System.Net;
using System.Net.Http.Headers;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary>Public responses are cached as long as their service says; nothing else is cached.</summary>
public sealed class CachingTests : IAsyncLifetime
{
    private const string Path = "/api/v1/gamification/leaderboard";
    private GatewayService? _gateway;
    private int _responses;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private FakeService Service => Gateway[ResourceNames.Gamification];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Fact]
    public async Task A_public_response_is_cached_for_all_callers()
    {
        Respond("public, max-age=60", etag: "\"v1\"");

        using var first = await GetAsync();
        using var second = await GetAsync();
        using var third = await GetAsync(authorization: Token());

        foreach (var response in new[] { first, second, third })
        {
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("response 1");
            (response.Headers.ETag?.Tag).ShouldBe("\"v1\"");
            (response.Headers.CacheControl?.MaxAge).ShouldBe(TimeSpan.FromSeconds(60));
        }

        second.Headers.Age.ShouldNotBeNull();
        new[] { first, second, third }.Select(response => response.Headers.GetValues("X-Correlation-Id").ShouldHaveSingleItem()).ShouldBeUnique();
        Service.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_signed_in_callers_response_is_cached_once_the_path_is_known_to_be_public()
    {
        Respond("public, max-age=60");

        for (var count = 0; count < 4; count++)
        {
            using var response = await GetAsync(authorization: Token());
        }

        Service.Requests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("max-age=60")]
    [InlineData("private, max-age=60")]
    [InlineData("public, no-store, max-age=60")]
    [InlineData("public, no-cache, max-age=60")]
    [InlineData("public, max-age=0")]
    [InlineData("public")]
    [InlineData("nonsense")]
    public async Task A_response_that_is_not_public_is_not_cached(string? cacheControl)
    {
        Respond(cacheControl);

        using var first = await GetAsync();
        using var second = await GetAsync();

        (await second.Content.ReadAsStringAsync(Cancel)).ShouldBe("response 2");
        Service.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_error_is_not_cached()
    {
        Respond("public, max-age=60", status: 500);
        using var failed = await GetAsync();

        Respond("public, max-age=60");
        using var response = await GetAsync();

        failed.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("Set-Cookie", "a=b")]
    [InlineData("Vary", "Accept-Language")]
    public async Task A_response_with_a_cookie_or_Vary_is_not_cached(string header, string value)
    {
        Respond("public, max-age=60", header: (header, value));

        using var first = await GetAsync();
        using var second = await GetAsync();

        Service.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_incomplete_response_is_not_cached()
    {
        Service.Respond = async context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            await context.Response.WriteAsync("half an ");
            await context.Response.Body.FlushAsync();
            context.Abort();
        };
        await Should.ThrowAsync<HttpRequestException>(() => Gateway.Client.GetStringAsync(Path, Cancel));

        Respond("public, max-age=60");
        (await Gateway.Client.GetStringAsync(Path, Cancel)).ShouldBe("response 1");
    }

    [Fact]
    public async Task An_unavailable_service_is_not_cached()
    {
        await Gateway.StopAsync(ResourceNames.Gamification);

        for (var count = 0; count < 2; count++)
        {
            using var response = await GetAsync();
            response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            response.Headers.Age.ShouldBeNull();
        }
    }

    [Fact]
    public async Task The_cache_key_includes_the_query_and_only_GET_is_cached()
    {
        Respond("public, max-age=60");

        await Gateway.Client.GetAsync($"{Path}?limit=1", Cancel);
        await Gateway.Client.GetAsync($"{Path}?limit=2", Cancel);
        await Gateway.Client.GetAsync($"{Path}?limit=1", Cancel);
        await Gateway.Client.PostAsync($"{Path}?limit=1", null, Cancel);
        await Gateway.Client.PostAsync($"{Path}?limit=1", null, Cancel);

        Service.Requests.Select(seen => $"{seen.Method} {seen.Target}").ShouldBe(
            [$"GET {Path}?limit=1", $"GET {Path}?limit=2", $"POST {Path}?limit=1", $"POST {Path}?limit=1"]);
    }

    [Fact]
    public async Task An_expired_response_is_fetched_again()
    {
        Respond("public, max-age=1");
        await Gateway.Client.GetStringAsync(Path, Cancel);

        await Eventually.TrueAsync(async () => await Gateway.Client.GetStringAsync(Path, Cancel) == "response 2", "a new response");
    }

    [Fact]
    public async Task A_matching_If_None_Match_returns_304_from_the_cache()
    {
        Respond("public, max-age=60", etag: "\"v1\"");
        using var first = await GetAsync();

        using var known = await GetAsync(ifNoneMatch: "\"v1\"");
        using var stale = await GetAsync(ifNoneMatch: "\"v0\"");

        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (known.Headers.ETag?.Tag).ShouldBe("\"v1\"");
        stale.StatusCode.ShouldBe(HttpStatusCode.OK);
        Service.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Concurrent_requests_make_one_request_to_the_service()
    {
        var release = new TaskCompletionSource();
        Service.Respond = async context =>
        {
            await release.Task;
            context.Response.Headers.CacheControl = "public, max-age=60";
            await context.Response.WriteAsync("shared");
        };

        var first = Gateway.Client.GetStringAsync(Path, Cancel);
        await Eventually.TrueAsync(() => Service.Requests.Count == 1, "the first request");
        var others = Enumerable.Range(0, 50).Select(_ => Gateway.Client.GetStringAsync(Path, Cancel)).ToArray();

        // This response, while the service is still busy, shows that the earlier requests have arrived.
        await Gateway.Client.GetAsync("/alive", Cancel);
        release.SetResult();

        (await Task.WhenAll([first, .. others])).ShouldAllBe(response => response == "shared");

        // A request may miss the cache just before the response is stored, and make a second request.
        Service.Requests.Count.ShouldBeLessThanOrEqualTo(2);
    }

    [Fact]
    public async Task A_private_response_on_a_public_path_is_not_cached()
    {
        // Like /coupons, which is public unless filtered by the caller's points.
        Service.Respond = context =>
        {
            var caller = context.Request.Headers.Authorization.ToString();
            context.Response.Headers.CacheControl = caller.Length == 0 ? "public, max-age=60" : "private, no-store";
            return context.Response.WriteAsync($"for {caller}");
        };
        await Gateway.Client.GetStringAsync($"{Path}?other", Cancel); // Makes the path known as public.

        var own = Token();
        using var first = await GetAsync(authorization: own);
        using var another = await GetAsync(authorization: Token());
        using var anonymous = await GetAsync();

        (await first.Content.ReadAsStringAsync(Cancel)).ShouldBe($"for {own}");
        (await another.Content.ReadAsStringAsync(Cancel)).ShouldNotContain(own);
        (await anonymous.Content.ReadAsStringAsync(Cancel)).ShouldBe("for ");
        anonymous.Headers.Age.ShouldBeNull();
    }

    [Fact]
    public async Task HEAD_neither_reads_nor_fills_the_cache()
    {
        Respond("public, max-age=60", etag: "\"v1\"");

        using var head = await Gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, Path), Cancel);
        using var first = await GetAsync();
        using var second = await GetAsync();

        (head.Headers.ETag?.Tag).ShouldBe("\"v1\"");
        (await first.Content.ReadAsStringAsync(Cancel)).ShouldBe("response 2");
        (await second.Content.ReadAsStringAsync(Cancel)).ShouldBe("response 2");
    }

    [Fact]
    public async Task Concurrent_callers_each_get_their_own_private_response()
    {
        Service.Respond = context => context.Response.WriteAsync(context.Request.Headers.Authorization.ToString());

        var callers = Enumerable.Range(0, 50).Select(_ => Token()).ToArray();
        var responses = await Task.WhenAll(callers.Select(async caller =>
        {
            using var response = await GetAsync(authorization: caller);
            return await response.Content.ReadAsStringAsync(Cancel);
        }));

        responses.ShouldBe(callers);
    }

    /// <summary>A new user's token.</summary>
    private static string Token() => $"Bearer {GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())}";

    private void Respond(string? cacheControl, string? etag = null, int status = 200, (string Name, string Value)? header = null)
    {
        _responses = 0;
        Service.Respond = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.CacheControl = cacheControl;
            context.Response.Headers.ETag = etag;
            if (header is var (name, value))
            {
                context.Response.Headers[name] = value;
            }

            return context.Response.WriteAsync($"response {Interlocked.Increment(ref _responses)}");
        };
    }

    private Task<HttpResponseMessage> GetAsync(string? authorization = null, string? ifNoneMatch = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Path);
        if (authorization is not null)
        {
            request.Headers.Authorization = AuthenticationHeaderValue.Parse(authorization);
        }

        if (ifNoneMatch is not null)
        {
            request.Headers.IfNoneMatch.ParseAdd(ifNoneMatch);
        }

        return Gateway.Client.SendAsync(request, Cancel);
    }
}
