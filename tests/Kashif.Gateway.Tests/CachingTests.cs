using System.Net;
using System.Net.Http.Headers;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary>Public reads are kept as long as their service says, and nothing else is kept at all.</summary>
public sealed class CachingTests : IAsyncLifetime
{
    private const string Path = "/api/v1/gamification/leaderboard";
    private GatewayHost? _gateway;
    private int _answers;

    private GatewayHost Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private FakeService Service => Gateway[ResourceNames.Gamification];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayHost.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Fact]
    public async Task A_public_answer_is_given_to_everyone()
    {
        Answer("public, max-age=60", etag: "\"v1\"");

        using var first = await GetAsync();
        using var second = await GetAsync();
        using var third = await GetAsync(authorization: Token());

        foreach (var response in new[] { first, second, third })
        {
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("answer 1");
            (response.Headers.ETag?.Tag).ShouldBe("\"v1\"");
            (response.Headers.CacheControl?.MaxAge).ShouldBe(TimeSpan.FromSeconds(60));
        }

        second.Headers.Age.ShouldNotBeNull();
        new[] { first, second, third }.Select(response => response.Headers.GetValues("X-Correlation-Id").ShouldHaveSingleItem()).ShouldBeUnique();
        Service.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_answer_to_somebody_signed_in_is_kept_once_the_path_is_known_to_be_public()
    {
        Answer("public, max-age=60");

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
    public async Task What_does_not_say_so_is_never_kept(string? cacheControl)
    {
        Answer(cacheControl);

        using var first = await GetAsync();
        using var second = await GetAsync();

        (await second.Content.ReadAsStringAsync(Cancel)).ShouldBe("answer 2");
        Service.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Nor_is_an_error()
    {
        Answer("public, max-age=60", status: 500);
        using var failed = await GetAsync();

        Answer("public, max-age=60");
        using var response = await GetAsync();

        failed.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("Set-Cookie", "a=b")]
    [InlineData("Vary", "Accept-Language")]
    public async Task Nor_what_is_meant_for_one_kind_of_caller(string header, string value)
    {
        Answer("public, max-age=60", header: (header, value));

        using var first = await GetAsync();
        using var second = await GetAsync();

        Service.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Nor_an_answer_that_breaks_off()
    {
        Service.Answer = async context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            await context.Response.WriteAsync("half an ");
            await context.Response.Body.FlushAsync();
            context.Abort();
        };
        await Should.ThrowAsync<HttpRequestException>(() => Gateway.Client.GetStringAsync(Path, Cancel));

        Answer("public, max-age=60");
        (await Gateway.Client.GetStringAsync(Path, Cancel)).ShouldBe("answer 1");
    }

    [Fact]
    public async Task Nor_the_absence_of_the_service()
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
    public async Task Another_query_is_another_answer_and_another_method_is_none()
    {
        Answer("public, max-age=60");

        await Gateway.Client.GetAsync($"{Path}?limit=1", Cancel);
        await Gateway.Client.GetAsync($"{Path}?limit=2", Cancel);
        await Gateway.Client.GetAsync($"{Path}?limit=1", Cancel);
        await Gateway.Client.PostAsync($"{Path}?limit=1", null, Cancel);
        await Gateway.Client.PostAsync($"{Path}?limit=1", null, Cancel);

        Service.Requests.Select(seen => $"{seen.Method} {seen.Target}").ShouldBe(
            [$"GET {Path}?limit=1", $"GET {Path}?limit=2", $"POST {Path}?limit=1", $"POST {Path}?limit=1"]);
    }

    [Fact]
    public async Task It_is_asked_for_anew_when_its_time_is_over()
    {
        Answer("public, max-age=1");
        await Gateway.Client.GetStringAsync(Path, Cancel);

        await Eventually.TrueAsync(async () => await Gateway.Client.GetStringAsync(Path, Cancel) == "answer 2", "a new answer");
    }

    [Fact]
    public async Task Who_has_it_already_gets_a_304()
    {
        Answer("public, max-age=60", etag: "\"v1\"");
        using var first = await GetAsync();

        using var known = await GetAsync(ifNoneMatch: "\"v1\"");
        using var stale = await GetAsync(ifNoneMatch: "\"v0\"");

        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (known.Headers.ETag?.Tag).ShouldBe("\"v1\"");
        stale.StatusCode.ShouldBe(HttpStatusCode.OK);
        Service.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Many_who_ask_at_once_are_one_request_to_the_service()
    {
        var release = new TaskCompletionSource();
        Service.Answer = async context =>
        {
            await release.Task;
            context.Response.Headers.CacheControl = "public, max-age=60";
            await context.Response.WriteAsync("shared");
        };

        var first = Gateway.Client.GetStringAsync(Path, Cancel);
        await Eventually.TrueAsync(() => Service.Requests.Count == 1, "the first request");
        var others = Enumerable.Range(0, 50).Select(_ => Gateway.Client.GetStringAsync(Path, Cancel)).ToArray();

        // One that is answered while the service is still busy shows that those before it have arrived.
        await Gateway.Client.GetAsync("/alive", Cancel);
        release.SetResult();

        (await Task.WhenAll([first, .. others])).ShouldAllBe(answer => answer == "shared");

        // One that found nothing just before the answer was kept, and did not queue until after, asks once more.
        Service.Requests.Count.ShouldBeLessThanOrEqualTo(2);
    }

    [Fact]
    public async Task What_is_somebodys_own_on_a_public_path_stays_theirs()
    {
        // As with /coupons, which is for everyone but where the caller's own purse is asked about.
        Service.Answer = context =>
        {
            var caller = context.Request.Headers.Authorization.ToString();
            context.Response.Headers.CacheControl = caller.Length == 0 ? "public, max-age=60" : "private, no-store";
            return context.Response.WriteAsync($"for {caller}");
        };
        await Gateway.Client.GetStringAsync($"{Path}?other", Cancel); // the path is known to be public

        var own = Token();
        using var first = await GetAsync(authorization: own);
        using var another = await GetAsync(authorization: Token());
        using var nobody = await GetAsync();

        (await first.Content.ReadAsStringAsync(Cancel)).ShouldBe($"for {own}");
        (await another.Content.ReadAsStringAsync(Cancel)).ShouldNotContain(own);
        (await nobody.Content.ReadAsStringAsync(Cancel)).ShouldBe("for ");
        nobody.Headers.Age.ShouldBeNull();
    }

    [Fact]
    public async Task Head_is_never_answered_from_it_and_leaves_nothing_in_it()
    {
        Answer("public, max-age=60", etag: "\"v1\"");

        using var head = await Gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, Path), Cancel);
        using var first = await GetAsync();
        using var second = await GetAsync();

        (head.Headers.ETag?.Tag).ShouldBe("\"v1\"");
        (await first.Content.ReadAsStringAsync(Cancel)).ShouldBe("answer 2");
        (await second.Content.ReadAsStringAsync(Cancel)).ShouldBe("answer 2");
    }

    [Fact]
    public async Task Many_who_ask_for_what_is_theirs_each_get_their_own()
    {
        Service.Answer = context => context.Response.WriteAsync(context.Request.Headers.Authorization.ToString());

        var callers = Enumerable.Range(0, 50).Select(_ => Token()).ToArray();
        var answers = await Task.WhenAll(callers.Select(async caller =>
        {
            using var response = await GetAsync(authorization: caller);
            return await response.Content.ReadAsStringAsync(Cancel);
        }));

        answers.ShouldBe(callers);
    }

    /// <summary>Of somebody new.</summary>
    private static string Token() => $"Bearer {GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())}";

    private void Answer(string? cacheControl, string? etag = null, int status = 200, (string Name, string Value)? header = null)
    {
        _answers = 0;
        Service.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.CacheControl = cacheControl;
            context.Response.Headers.ETag = etag;
            if (header is var (name, value))
            {
                context.Response.Headers[name] = value;
            }

            return context.Response.WriteAsync($"answer {Interlocked.Increment(ref _answers)}");
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
