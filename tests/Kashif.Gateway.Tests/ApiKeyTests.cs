using System.Net;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary>The gateway exchanges API keys for tokens; services never see a key.</summary>
public sealed class ApiKeyTests : IAsyncLifetime
{
    private const string Key = "kashif_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    private const string Path = "/api/v1/reports/my-reports";

    private readonly string _token = GatewayServers.Issuer.TokenForApiKey(Guid.CreateVersion7(), "reporting:read");
    private GatewayService? _gateway;
    private int _exchanges;
    private volatile bool _isGood = true;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayService.StartAsync();
        Gateway[ResourceNames.Auth].Respond = async context =>
        {
            if (context.Request.Path != "/internal/v1/api-keys/exchange")
            {
                return;
            }

            Interlocked.Increment(ref _exchanges);
            using var reader = new StreamReader(context.Request.Body);
            if (_isGood && (await reader.ReadToEndAsync()).Contains(Key, StringComparison.Ordinal))
            {
                await context.Response.WriteAsJsonAsync(new { access_token = _token, expires_in = 60 });
            }
            else
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
            }
        };
    }

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [InlineData("X-Api-Key", Key)]
    [InlineData("Authorization", $"Bearer {Key}")]
    [InlineData("Authorization", $"bearer {Key}")]
    public async Task The_service_receives_a_token_instead_of_the_key(string header, string value)
    {
        using var response = await SendAsync((header, value));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var seen = Gateway[ResourceNames.Reporting].Requests.ShouldHaveSingleItem();
        seen.Headers["Authorization"].ShouldBe($"Bearer {_token}");
        seen.Headers.Keys.ShouldNotContain("X-Api-Key");
        string.Join(' ', seen.Headers.Values).ShouldNotContain(Key);
    }

    [Fact]
    public async Task A_hundred_concurrent_requests_exchange_the_key_once()
    {
        // The first exchange also fetches a service token, and has five seconds.
        await Eventually.TrueAsync(async () => (await SendAsync(("X-Api-Key", $"{Key[..^1]}X"))).StatusCode == HttpStatusCode.Unauthorized, "an exchange");
        _exchanges = 0;

        var responses = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => SendAsync(("X-Api-Key", Key))));

        responses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.OK);
        _exchanges.ShouldBe(1);
    }

    [Fact]
    public async Task A_revoked_key_returns_401_within_the_cache_lifetime()
    {
        (await SendAsync(("X-Api-Key", Key))).StatusCode.ShouldBe(HttpStatusCode.OK);
        _isGood = false;
        var revoked = TimeProvider.System.GetTimestamp();

        await Eventually.TrueAsync(async () => (await SendAsync(("X-Api-Key", Key))).StatusCode == HttpStatusCode.Unauthorized, "the rejection of the key");

        TimeProvider.System.GetElapsedTime(revoked).TotalSeconds.ShouldBeLessThan(30);
    }

    [Theory]
    [InlineData("kashif_short")]
    [InlineData("kashif_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFX")]
    [InlineData("something else")]
    public async Task An_invalid_key_returns_401_without_reaching_the_service(string key)
    {
        using var response = await SendAsync(("X-Api-Key", key));

        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Gateway[ResourceNames.Reporting].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Invented_keys_are_limited_per_address_and_cached_keys_still_pass()
    {
        await using var gateway = await GatewayService.StartAsync(("RateLimits:ApiKeys:Permits", "10"), ("RateLimits:Scale", "1"), ("Gateway:TrustedProxies:0", "127.0.0.1"));
        var address = ("X-Forwarded-For", "198.51.100.7"); // Not used by other tests.
        gateway[ResourceNames.Auth].Respond = Gateway[ResourceNames.Auth].Respond;
        var start = TimeProvider.System.GetTimestamp();
        (await SendAsync(gateway, address, ("X-Api-Key", Key))).StatusCode.ShouldBe(HttpStatusCode.OK);

        var responses = await Task.WhenAll(Enumerable.Range(10, 30).Select(index => SendAsync(gateway, address, ("X-Api-Key", $"{Key[..^2]}{index}"))));

        responses.Count(response => response.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(9);
        responses.Where(response => response.StatusCode == HttpStatusCode.TooManyRequests).ShouldAllBe(response => response.Headers.RetryAfter != null);
        _exchanges.ShouldBe(10);
        var last = await SendAsync(gateway, address, ("X-Api-Key", Key));
        if (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(10)) // else it is not cached any more
        {
            last.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task A_key_together_with_a_token_returns_401()
    {
        using var response = await SendAsync(("X-Api-Key", Key), ("Authorization", $"Bearer {GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())}"));

        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        _exchanges.ShouldBe(0);
    }

    [Fact]
    public async Task While_auth_is_down_a_key_returns_503()
    {
        await Gateway.StopAsync(ResourceNames.Auth);

        using var response = await SendAsync(("X-Api-Key", Key));

        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter.ShouldNotBeNull();
    }

    private Task<HttpResponseMessage> SendAsync(params (string Name, string Value)[] headers) => SendAsync(Gateway, headers);

    private static Task<HttpResponseMessage> SendAsync(GatewayService gateway, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return gateway.Client.SendAsync(request);
    }
}
