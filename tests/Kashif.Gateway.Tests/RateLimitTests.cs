using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Kashif.Gateway.Limits;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Kashif.Gateway.Tests;

/// <summary>Two gateways on one Redis. Windows are long, so that no permit returns during a test. Each test uses its own users and addresses.</summary>
public sealed class RateLimitTests : IAsyncLifetime
{
    private static readonly (string, string?)[] Settings =
    [
        ("RateLimits:Scale", "1"),
        ("RateLimits:Default:Permits", "20"), ("RateLimits:Default:Window", "01:00:00"),
        ("RateLimits:Anonymous:Permits", "20"), ("RateLimits:Anonymous:Window", "01:00:00"),
        ("RateLimits:Login:Permits", "3"), ("RateLimits:Login:Window", "01:00:00"),
        ("RateLimits:Refresh:Permits", "4"), ("RateLimits:Refresh:Window", "01:00:00"),
        ("RateLimits:Register:Permits", "2"), ("RateLimits:Register:Window", "01:00:00"),
        ("RateLimits:Reports:Permits", "5"), ("RateLimits:Reports:Window", "01:00:00"),
        ("Gateway:TrustedProxies:0", "127.0.0.1"),
    ];

    private GatewayService? _one;
    private GatewayService? _other;

    private GatewayService One => _one ?? throw new InvalidOperationException("Not started.");
    private GatewayService Other => _other ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _one = await GatewayService.StartAsync(Settings);
        _other = await GatewayService.StartAsync(Settings);
        await WaitForRedisAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Other.DisposeAsync();
    }

    [Fact]
    public async Task Two_gateways_together_allow_exactly_the_limit()
    {
        var user = Guid.CreateVersion7();
        using var here = One.As(user);
        using var there = Other.As(user);

        var statuses = await SendManyAsync(100, [here, there], "/api/v1/gamification/points/me");

        statuses.Count(status => status == 200).ShouldBe(20);
        statuses.Count(status => status == 429).ShouldBe(80);
        (One[ResourceNames.Gamification].Requests.Count + Other[ResourceNames.Gamification].Requests.Count).ShouldBe(20);
    }

    [Fact]
    public async Task The_headers_count_down_and_have_the_reset_time()
    {
        using var user = One.As(Guid.CreateVersion7());

        for (var left = 19; left >= 0; left--)
        {
            using var passed = await user.GetAsync("/api/v1/coupons", Cancel);
            passed.StatusCode.ShouldBe(HttpStatusCode.OK);
            Header(passed, "RateLimit-Limit").ShouldBe("20");
            Header(passed, "RateLimit-Policy").ShouldBe("20;w=3600");
            Header(passed, "RateLimit-Remaining").ShouldBe(left.ToString(CultureInfo.InvariantCulture));
            int.Parse(Header(passed, "RateLimit-Reset"), CultureInfo.InvariantCulture).ShouldBeInRange(3500, 3800);
        }

        // The second is rejected without a call to Redis.
        for (var count = 0; count < 2; count++)
        {
            using var refused = await user.GetAsync("/api/v1/coupons", Cancel);
            refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            (refused.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
            (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("rate_limited");
            Header(refused, "RateLimit-Remaining").ShouldBe("0");
            (refused.Headers.RetryAfter?.Delta).ShouldNotBeNull().TotalSeconds.ShouldBeInRange(3500, 3800);
            Header(refused, "RateLimit-Reset").ShouldBe(Header(refused, "Retry-After"));
            Header(refused, "X-Correlation-Id").ShouldNotBeEmpty();
        }
    }

    [Theory]
    [InlineData("POST", "auth/token", 3)]
    [InlineData("POST", "auth/password/forgot", 3)]
    [InlineData("POST", "auth/password/reset", 3)]
    [InlineData("POST", "auth/email/verify", 3)]
    [InlineData("POST", "auth/email/verify/resend", 3)]
    [InlineData("POST", "auth/refresh", 4)]
    [InlineData("POST", "auth/register", 2)]
    [InlineData("POST", "reports", 5)]
    [InlineData("GET", "auth/token", 20)]
    [InlineData("GET", "reports", 20)]
    [InlineData("POST", "coupons/1/redeem", 20)]
    public async Task Each_route_has_its_limit_under_every_form_of_its_path(string method, string path, int limit)
    {
        var address = NewAddress();
        string[] forms = [$"/api/v1/{path}", $"/api/{path}", $"/api/v1/{path}/", $"/API/V1/{path.ToUpperInvariant()}", $"/api/v1/{path}?x=1", $"/api/v1/./{path}", $"/api/v1/{path.Replace("t", "%74")}"];

        var passed = 0;
        for (var count = 0; count < 30; count++)
        {
            using var response = await SendAsync(One.Client, method, forms[count % forms.Length], address);
            passed += response.StatusCode == HttpStatusCode.OK ? 1 : 0;
        }

        passed.ShouldBe(limit);
    }

    [Fact]
    public async Task Tokens_do_not_allow_more_login_attempts()
    {
        var address = NewAddress();
        var statuses = new List<int>();
        for (var count = 0; count < 6; count++)
        {
            using var user = One.As(Guid.CreateVersion7());
            using var response = await SendAsync(user, "POST", "/api/v1/auth/token", address);
            statuses.Add((int)response.StatusCode);
        }

        statuses.ShouldBe([200, 200, 200, 429, 429, 429]);
    }

    [Fact]
    public async Task An_office_behind_one_address_signs_in_within_a_minute()
    {
        await using var gateway = await GatewayService.StartAsync(("RateLimits:Scale", "1"), ("Gateway:TrustedProxies:0", "127.0.0.1"));
        var address = NewAddress();
        await PassAsync(("token", 60), ("password/forgot", 20), ("password/reset", 20), ("email/verify", 20));

        // Before the others, which have limits of their own: permits return after the minute.
        using var beyond = await SendAsync(gateway.Client, "POST", "/api/v1/auth/token", address);
        ((int)beyond.StatusCode).ShouldBe(429);
        await PassAsync(("register", 20), ("refresh", 200));

        async Task PassAsync(params (string Path, int Count)[] requests)
        {
            foreach (var (path, count) in requests)
            {
                for (var caller = 0; caller < count; caller++)
                {
                    using var response = await SendAsync(gateway.Client, "POST", $"/api/v1/auth/{path}", address);
                    ((int)response.StatusCode).ShouldBe(200, path);
                }
            }
        }
    }

    [Fact]
    public async Task Users_and_addresses_have_separate_limits()
    {
        var address = NewAddress();
        using var first = One.As(Guid.CreateVersion7());
        using var second = One.As(Guid.CreateVersion7());
        (await SendManyAsync(21, [first], "/api/v1/coupons", address)).Count(status => status == 429).ShouldBe(1);

        (await SendManyAsync(20, [second], "/api/v1/coupons", address)).ShouldAllBe(status => status == 200);
        (await SendManyAsync(20, [One.Client], "/api/v1/coupons", address)).ShouldAllBe(status => status == 200);
        (await SendManyAsync(1, [One.Client], "/api/v1/coupons", address)).ShouldBe([429]);
        (await SendManyAsync(1, [One.Client], "/api/v1/coupons", NewAddress())).ShouldBe([200]);
    }

    [Fact]
    public async Task A_user_and_all_of_the_users_API_keys_share_a_limit()
    {
        var owner = Guid.CreateVersion7();
        using var session = One.As(owner);
        using var key = One.With(GatewayServers.Issuer.TokenForApiKey(owner, "coupons:read"));
        using var otherKey = Other.With(GatewayServers.Issuer.TokenForApiKey(owner, "coupons:read"));

        (await SendManyAsync(20, [session, key, otherKey], "/api/v1/coupons")).ShouldAllBe(status => status == 200);
        (await SendManyAsync(3, [session, key, otherKey], "/api/v1/coupons")).ShouldBe([429, 429, 429]);
    }

    [Fact]
    public async Task IPv6_addresses_of_one_network_share_a_limit()
    {
        var network = $"2001:db8:{Random.Shared.Next(0x10000):x}:{Random.Shared.Next(0x10000):x}";

        (await SendManyAsync(10, [One.Client], "/api/v1/coupons", $"{network}::1")).ShouldAllBe(status => status == 200);
        (await SendManyAsync(10, [Other.Client], "/api/v1/coupons", $"{network}:ffff::2")).ShouldAllBe(status => status == 200);
        (await SendManyAsync(1, [One.Client], "/api/v1/coupons", $"{network}::3")).ShouldBe([429]);
    }

    [Fact]
    public async Task Invalid_tokens_count_towards_the_limit()
    {
        var address = NewAddress();
        using var liar = One.With("e30.e30.e30");

        (await SendManyAsync(25, [liar], "/api/v1/auth/me", address)).GroupBy(status => status).ToDictionary(group => group.Key, group => group.Count())
            .ShouldBe(new Dictionary<int, int> { [401] = 20, [429] = 5 }, ignoreOrder: true);
    }

    [Fact]
    public async Task Cached_responses_count_and_have_their_own_headers()
    {
        One[ResourceNames.Gamification].Respond = context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            return context.Response.WriteAsync("kept");
        };
        var address = NewAddress();

        for (var left = 19; left >= 0; left--)
        {
            using var response = await SendAsync(One.Client, "GET", "/api/v1/gamification/leaderboard", address);
            Header(response, "RateLimit-Remaining").ShouldBe(left.ToString(CultureInfo.InvariantCulture));
        }

        using var refused = await SendAsync(One.Client, "GET", "/api/v1/gamification/leaderboard", address);
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        One[ResourceNames.Gamification].Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task Probes_are_never_limited(string path)
    {
        await using var gateway = await GatewayService.StartAsync([.. Settings, ("RateLimits:Open:Permits", "1"), ("RateLimits:Anonymous:Permits", "1")]);

        for (var count = 0; count < 5; count++)
        {
            using var response = await gateway.Client.GetAsync(path, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Headers.Contains("RateLimit-Limit").ShouldBeFalse();
        }

        var address = NewAddress();
        (await SendManyAsync(2, [gateway.Client], "/docs/index.html", address)).ShouldBe([200, 429], ignoreOrder: true);
    }

    [Fact]
    public async Task Without_Redis_each_gateway_counts_alone_until_it_is_back()
    {
        var users = Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7()).ToArray();
        (await SendManyAsync(30, Both(users[0]), "/api/v1/coupons")).Count(status => status == 200).ShouldBe(20);

        await CommandAsync(KnownResourceCommands.StopCommand);
        try
        {
            (await SendManyAsync(30, [One.As(users[1])], "/api/v1/coupons")).Count(status => status == 200).ShouldBe(20);
            (await SendManyAsync(30, [Other.As(users[1])], "/api/v1/coupons")).Count(status => status == 200).ShouldBe(20);

            using var refused = await One.As(users[1]).GetAsync("/api/v1/coupons", Cancel);
            refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            refused.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldBe(TimeSpan.FromHours(1)); // Not before there are permits again.
            Header(refused, "RateLimit-Remaining").ShouldBe("0");
            Limits(One).IsShared.ShouldBeFalse();
        }
        finally
        {
            await CommandAsync(KnownResourceCommands.StartCommand);
        }

        await WaitForRedisAsync();
        (await SendManyAsync(60, Both(users[2]), "/api/v1/coupons")).Count(status => status == 200).ShouldBe(20);
    }

    [Fact]
    public async Task An_unresponsive_Redis_is_waited_for_once()
    {
        await using var gateway = await GatewayService.StartAsync([.. Settings, ("RateLimits:RedisTimeout", "00:00:00.500"), ("RateLimits:Default:Permits", "1000")]);
        await Eventually.TrueAsync(() => Limits(gateway).IsShared, "Redis");
        using var user = gateway.As(Guid.CreateVersion7());
        (await user.GetAsync("/api/v1/coupons", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);

        using var redis = await ConnectionMultiplexer.ConnectAsync(GatewayServers.Redis.Cache + ",allowAdmin=true");
        await redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "10000", "ALL");
        var start = TimeProvider.System.GetTimestamp();
        for (var count = 0; count < 20; count++)
        {
            (await user.GetAsync("/api/v1/coupons", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(8)); // 20 waits would take ten
        Limits(gateway).IsShared.ShouldBeFalse();
        await Eventually.TrueAsync(() => Limits(gateway).IsShared, "Redis");
    }

    [Fact]
    public async Task Concurrent_requests_of_a_caller_wait_for_an_unresponsive_Redis_in_parallel()
    {
        await using var gateway = await GatewayService.StartAsync([.. Settings, ("RateLimits:RedisTimeout", "00:00:00.500")]);
        await Eventually.TrueAsync(() => Limits(gateway).IsShared, "Redis");
        var policy = new LimitPolicy("large", 10_000, TimeSpan.FromHours(1), ByAddress: false);
        var caller = $"large:{Guid.CreateVersion7()}";

        using var redis = await ConnectionMultiplexer.ConnectAsync(GatewayServers.Redis.Cache + ",allowAdmin=true");
        await redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "4000", "ALL");
        var start = TimeProvider.System.GetTimestamp();
        var decisions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Limits(gateway).TakeAsync(policy, caller).AsTask()));

        TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(8)); // 50 waits in turn would take 25
        decisions.ShouldAllBe(decision => decision.Allowed);
        await Eventually.TrueAsync(() => Limits(gateway).IsShared, "Redis");
    }

    [Fact]
    public async Task A_large_limit_is_exact()
    {
        var policy = new LimitPolicy("large", 10_000, TimeSpan.FromHours(1), ByAddress: false);
        var caller = $"large:{Guid.CreateVersion7()}";

        var allowed = 0;
        await Parallel.ForAsync(0, 12_000, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Cancel }, async (number, _) =>
        {
            var decision = await Limits(number % 2 == 0 ? One : Other).TakeAsync(policy, caller);
            Interlocked.Add(ref allowed, decision.Allowed ? 1 : 0);
        });

        allowed.ShouldBe(10_000);
    }

    [Fact]
    public async Task Permits_return_after_the_window()
    {
        var policy = new LimitPolicy("short", 5, TimeSpan.FromSeconds(5), ByAddress: false);
        var caller = $"short:{Guid.CreateVersion7()}";
        var start = TimeProvider.System.GetTimestamp();
        for (var count = 0; count < 5; count++)
        {
            (await Limits(One).TakeAsync(policy, caller)).Allowed.ShouldBeTrue();
        }

        var refused = await Limits(Other).TakeAsync(policy, caller);
        refused.Allowed.ShouldBeFalse();
        refused.Reset.ShouldBeInRange(TimeSpan.FromMilliseconds(1), policy.Window * 1.05);

        await Eventually.TrueAsync(async () => (await Limits(Other).TakeAsync(policy, caller)).Allowed, "a permit");
        TimeProvider.System.GetElapsedTime(start).ShouldBeGreaterThan(policy.Window);
    }

    [Theory]
    [InlineData("RateLimits:Default:Permits", "0", "Permits")]
    [InlineData("RateLimits:Login:Window", "00:00:00", "Window")]
    [InlineData("RateLimits:Scale", "0", "RateLimits:Scale")]
    [InlineData("Gateway:TrustedProxies:0", "example.org", "Gateway:TrustedProxies")]
    [InlineData("Connections:Max", "0", "Connections:Max")]
    [InlineData("Connections:HeadersTimeout", "00:00:00", "Connections:HeadersTimeout")]
    public async Task An_invalid_setting_stops_the_start_with_its_name(string key, string value, string named)
    {
        var exception = await Should.ThrowAsync<OptionsValidationException>(async () => await GatewayService.StartAsync([.. Settings, (key, value)]));

        exception.Message.ShouldContain(named);
    }

    private static SharedLimits Limits(GatewayService gateway) => gateway.Provider.GetRequiredService<SharedLimits>();

    private Task WaitForRedisAsync() => Eventually.TrueAsync(() => Limits(One).IsShared && Limits(Other).IsShared, "Redis");

    private HttpClient[] Both(Guid user) => [One.As(user), Other.As(user)];

    private static async Task CommandAsync(string command) =>
        (await GatewayServers.Redis.Commands.ExecuteCommandAsync(ResourceNames.Cache, command, Cancel)).Success.ShouldBeTrue(command);

    /// <summary>Sends concurrent requests from each client in turn.</summary>
    private static async Task<int[]> SendManyAsync(int count, HttpClient[] clients, string path, string? address = null) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(async number =>
        {
            using var response = await SendAsync(clients[number % clients.Length], "GET", path, address);
            return (int)response.StatusCode;
        }));

    /// <param name="address">The client's address, as reported by a trusted proxy.</param>
    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string method, string path, string? address)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (address is not null)
        {
            request.Headers.Add("X-Forwarded-For", address);
        }

        return await client.SendAsync(request, Cancel);
    }

    private static string NewAddress() => new IPAddress((uint)Random.Shared.Next(0x01000000, int.MaxValue)).ToString();

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).ShouldHaveSingleItem();
}
