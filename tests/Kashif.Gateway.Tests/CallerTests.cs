using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Cache;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kashif.Gateway.Tests;

/// <summary>Callers: valid tokens or none pass, invalid tokens and other claims of identity do not.</summary>
public sealed class CallerTests : IAsyncLifetime
{
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Expired => GatewayServers.Issuer.ExpiredTokenFor(Guid.CreateVersion7());

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [MemberData(nameof(RoutingTests.Areas), MemberType = typeof(RoutingTests))]
    public async Task An_invalid_token_returns_401_without_reaching_the_service(string area, string service)
    {
        var good = GatewayServers.Issuer.TokenFor(Guid.CreateVersion7());
        string[] bad = [$"Bearer {Expired}", $"Bearer {good}x", $"bearer {good[..^8]}AAAAAAAA", "Bearer nonsense", "Bearer", "Bearer  ", $"Bearer {good}, Bearer {good}"];
        foreach (var authorization in bad)
        {
            foreach (var path in new[] { $"/api/v1/{area}", $"/api/v1/{area}/a/b", $"/api/{area}/a", $"/api/v1/{area}/health", $"/openapi/{area}.json" })
            {
                using var response = await SendAsync(HttpMethod.Get, path, ("Authorization", authorization));

                response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, $"{path} {authorization}");
                response.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe("Bearer");
                (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
                (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("unauthorized");
            }
        }

        Gateway[service].Requests.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(RoutingTests.Areas), MemberType = typeof(RoutingTests))]
    public async Task A_valid_token_passes_and_so_does_no_token(string area, string service)
    {
        var token = $"Bearer {GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())}";

        using var signedIn = await SendAsync(HttpMethod.Get, $"/api/v1/{area}/a", ("Authorization", token));
        using var anonymous = await SendAsync(HttpMethod.Get, $"/api/v1/{area}/a");

        signedIn.StatusCode.ShouldBe(HttpStatusCode.OK);
        anonymous.StatusCode.ShouldBe(HttpStatusCode.OK);
        Gateway[service].Requests.Select(seen => seen.Headers.GetValueOrDefault("Authorization")).ShouldBe([token, null]);
    }

    [Fact]
    public async Task An_invalid_token_gets_no_cached_response()
    {
        Gateway[ResourceNames.Gamification].Respond = context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            return context.Response.WriteAsync("kept");
        };
        using var first = await SendAsync(HttpMethod.Get, "/api/v1/gamification/leaderboard");

        using var response = await SendAsync(HttpMethod.Get, "/api/v1/gamification/leaderboard", ("Authorization", $"Bearer {Expired}"));

        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("/api/v1/auth/token")]
    [InlineData("/api/v1/auth/refresh")]
    [InlineData("/api/auth/refresh/")]
    public async Task An_expired_token_is_ignored_when_signing_in_or_refreshing(string path)
    {
        using var response = await SendAsync(HttpMethod.Post, path, ("Authorization", $"Bearer {Expired}"));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        Gateway[ResourceNames.Auth].Requests.ShouldHaveSingleItem().Headers.Keys.ShouldNotContain("Authorization");
    }

    [Fact]
    public async Task A_token_of_an_ended_session_a_lost_role_or_a_disabled_user_is_refused()
    {
        var (signedOut, demoted, disabled) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var session = Guid.CreateVersion7();
        string[] refused = [GatewayServers.Issuer.TokenForSession(signedOut, session), GatewayServers.Issuer.TokenFor(demoted, Roles.Citizen, Roles.Staff), GatewayServers.Issuer.TokenFor(disabled)];
        string[] valid = [GatewayServers.Issuer.TokenForSession(signedOut, Guid.CreateVersion7()), GatewayServers.Issuer.TokenFor(demoted, Roles.Citizen), GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())];
        foreach (var token in refused.Concat(valid))
        {
            (await StatusAsync(token)).ShouldBe(HttpStatusCode.OK); // and so the token is cached
        }

        var denials = new TokenDenials([session], new() { [demoted] = [Roles.Citizen], [disabled] = [] });
        await Eventually.TrueAsync(
            async () =>
            {
                // Repeated, as Auth does.
                await denials.WriteAsync(Gateway.Provider.GetRequiredService<RedisCircuit>(), TimeSpan.FromMinutes(1), Cancel);
                return await StatusAsync(refused[0]) is HttpStatusCode.Unauthorized;
            },
            "the gateway to read the list");
        foreach (var token in refused.Append(GatewayServers.Issuer.TokenFor(disabled)))
        {
            using var response = await SendAsync(HttpMethod.Get, "/api/v1/reports/a", ("Authorization", $"Bearer {token}"));
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            response.Headers.WwwAuthenticate.ToString().ShouldContain("invalid_token");
        }

        foreach (var token in valid)
        {
            (await StatusAsync(token)).ShouldBe(HttpStatusCode.OK);
        }

        async Task<HttpStatusCode> StatusAsync(string token)
        {
            using var response = await SendAsync(HttpMethod.Get, "/api/v1/reports/a", ("Authorization", $"Bearer {token}"));
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_list_of_refused_tokens_that_cannot_be_read_is_logged_and_the_last_one_counts()
    {
        using var logs = new CapturedLogs();
        await using var gateway = await GatewayService.StartAsync(configure: services => services.AddSingleton<ILoggerProvider>(logs));
        var redis = gateway.Provider.GetRequiredService<RedisCircuit>();
        var (ended, endedLater) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var user = Guid.CreateVersion7();
        await RefusesAsync(ended);

        string[] unreadable = ["nonsense", "null", """{"sessions": 1}""", $$$"""{"sessions": [], "roles": {"{{{user}}}": null}}"""];
        foreach (var (index, text) in unreadable.Index())
        {
            (await redis.EvaluateAsync("return redis.call('SET', KEYS[1], ARGV[1])", ["kashif.denied-tokens"], [text], Cancel)).ShouldNotBeNull();
            await Eventually.TrueAsync(
                () => logs.Lines.Count(line => line.StartsWith("Error") && line.Contains("The list of refused tokens cannot be read")) == index + 1, $"the log of {text}");
            (await StatusAsync(GatewayServers.Issuer.TokenForSession(user, ended))).ShouldBe(HttpStatusCode.Unauthorized);
            (await StatusAsync(GatewayServers.Issuer.TokenForSession(user, endedLater))).ShouldBe(HttpStatusCode.OK);
        }

        await RefusesAsync(endedLater);

        Task RefusesAsync(Guid session) => Eventually.TrueAsync(
            async () =>
            {
                await new TokenDenials([session], []).WriteAsync(redis, TimeSpan.FromMinutes(1), Cancel);
                return await StatusAsync(GatewayServers.Issuer.TokenForSession(user, session)) is HttpStatusCode.Unauthorized;
            },
            "the gateway to read the list");

        async Task<HttpStatusCode> StatusAsync(string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/reports/a");
            request.Headers.Add("Authorization", $"Bearer {token}");
            using var response = await gateway.Client.SendAsync(request, Cancel);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Headers_that_claim_an_identity_are_removed()
    {
        string[] names =
        [
            "X-User-Id", "x-user-id", "X-USER-ROLES", "X-User", "X-UserId", "X-Roles", "X-Role", "X-Api-Key", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP",
            "X-Forwarded-User", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-Original-For", "X-HTTP-Method-Override", "X-Remote-User",
        ];
        foreach (var name in names)
        {
            using var response = await SendAsync(HttpMethod.Get, "/api/v1/auth/me", (name, "admin"), ("X-Kept", "yes"));

            var seen = Gateway[ResourceNames.Auth].Requests[^1];
            seen.Headers.Keys.ShouldNotContain(name, StringComparer.OrdinalIgnoreCase);
            seen.Headers["X-Kept"].ShouldBe("yes");
        }
    }

    [Fact]
    public async Task Without_a_trusted_proxy_the_connections_address_counts()
    {
        using var response = await SendAsync(
            HttpMethod.Post, "/api/v1/auth/token",
            ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"), ("Forwarded", "for=6.6.6.6"), ("Connection", "X-Forwarded-For"));

        var seen = Gateway[ResourceNames.Auth].Requests.ShouldHaveSingleItem().Headers;
        seen["X-Forwarded-For"].ShouldBe("127.0.0.1");
        seen["X-Forwarded-Proto"].ShouldBe("http");
        seen["X-Forwarded-Host"].ShouldBe(Gateway.Address.Authority);
        seen.Keys.ShouldNotContain("Forwarded");
    }

    [Theory]
    [InlineData("127.0.0.1", "1.2.3.4", "1.2.3.4")]
    [InlineData("127.0.0.0/8", "6.6.6.6, 1.2.3.4", "1.2.3.4")]
    [InlineData("127.0.0.1", "6.6.6.6, 1.2.3.4, 127.0.0.1", "1.2.3.4")]
    [InlineData("127.0.0.1", "2001:db8::5", "2001:db8::5")]
    [InlineData("127.0.0.1", "nonsense", "127.0.0.1")]
    [InlineData("10.0.0.0/8", "1.2.3.4", "127.0.0.1")]
    [InlineData("10.0.0.0/8, 127.0.0.1", "1.2.3.4", "1.2.3.4")]
    [InlineData("10.0.0.0/8 127.0.0.0/8", "1.2.3.4", "1.2.3.4")]
    [InlineData("", "1.2.3.4", "127.0.0.1")]
    public async Task X_Forwarded_For_is_trusted_only_from_trusted_proxies(string trusted, string forwarded, string address)
    {
        await using var gateway = await GatewayService.StartAsync(("Gateway:TrustedProxies:0", trusted));

        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/token");
        request.Headers.Add("X-Forwarded-For", forwarded);
        using var response = await gateway.Client.SendAsync(request, Cancel);

        gateway[ResourceNames.Auth].Requests.ShouldHaveSingleItem().Headers["X-Forwarded-For"].ShouldBe(address);
    }

    [Theory]
    [InlineData("Production", "10.0.0.0/8", "X-Forwarded-For", 1)]
    [InlineData("Production", "", "X-Forwarded-For", 1)]
    [InlineData("Production", "", "Forwarded", 1)]
    [InlineData("Production", "127.0.0.0/8", "X-Forwarded-For", 0)]
    [InlineData("Production", "", "X-Real-IP", 0)]
    [InlineData("Development", "", "X-Forwarded-For", 0)]
    public async Task A_proxy_that_is_not_trusted_is_warned_of_once_outside_Development(string environment, string trusted, string header, int warnings)
    {
        using var logs = new CapturedLogs();
        await using var gateway = await GatewayService.StartAsync(
            new Dictionary<string, string?> { ["environment"] = environment, ["Gateway:TrustedProxies:0"] = trusted },
            services => services.AddSingleton<ILoggerProvider>(logs));
        for (var count = 0; count < 3; count++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/coupons");
            request.Headers.Add(header, "for=192.0.2.77");
            using var response = await gateway.Client.SendAsync(request, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var said = logs.Lines.Where(line => line.Contains("Gateway:TrustedProxies")).ToArray();
        said.Length.ShouldBe(warnings);
        said.ShouldAllBe(line => line.StartsWith("Warning") && line.Contains("127.0.0.0/24") && !line.Contains("192.0.2.77"));
        gateway.Provider.GetRequiredService<IHostEnvironment>().EnvironmentName.ShouldBe(environment);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue(name);
        }

        return await Gateway.Client.SendAsync(request, Cancel);
    }
}
