using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Kashif.Gateway.Tests;

/// <summary>The export of all user data: Auth's part, then those of the other services.</summary>
public sealed class ExportTests : IAsyncLifetime
{
    private const string Path = "/api/v1/auth/me/export";
    private const string Account = """{"exported_at":"2026-11-27T20:00:00.000000Z","account":{"email":"lina@people.test"}}""";

    private readonly Guid _user = Guid.CreateVersion7();
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private FakeService Auth => Gateway[ResourceNames.Auth];

    private string Token => GatewayServers.Issuer.TokenFor(_user);

    private static string Document =>
        $$"""{{Account[..^1]}},"reporting":["reporting"],"gamification":["gamification"],"coupons":["coupons"],"notifications":["notifications"]}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await StartAsync();

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [InlineData("/api/v1/auth/me/export", false)]
    [InlineData("/api/v1/auth/me/export/", false)]
    [InlineData("/API/v1/Auth/ME/export", false)]
    [InlineData("/api/auth/me/export", true)]
    [InlineData("/api/auth/me/export/", true)]
    public async Task An_export_under_every_path_has_the_parts_of_all_services(string path, bool isDeprecated)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Correlation-Id", "my-export");
        var token = Token;

        using var response = await SendAsync(request, token);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(Document);
        response.Content.Headers.ContentLength.ShouldBe(Document.Length);
        (response.Content.Headers.ContentType?.ToString()).ShouldBe("application/json; charset=utf-8");
        (response.Content.Headers.ContentDisposition?.ToString()).ShouldBe("attachment; filename=\"kashif-export.json\"");
        (response.Headers.CacheControl?.NoStore).ShouldBe(true);
        response.Headers.GetValues("X-Correlation-Id").ShouldBe(["my-export"]);
        response.Headers.Contains("Deprecation").ShouldBe(isDeprecated);
        response.Headers.Contains("Link").ShouldBe(isDeprecated);

        var account = Auth.Requests.ShouldHaveSingleItem();
        account.Target.ShouldBe(isDeprecated ? path.Replace("/api/", "/api/v1/", StringComparison.Ordinal) : path);
        account.Headers["Authorization"].ShouldBe($"Bearer {token}");
        foreach (var service in ResourceNames.UserDataServices)
        {
            var part = Gateway[service].Requests.ShouldHaveSingleItem();
            part.Method.ShouldBe("GET");
            part.Target.ShouldBe($"/internal/v1/users/{_user}/export");
            part.Headers["X-Correlation-Id"].ShouldBe("my-export");
            new JsonWebToken(part.Headers["Authorization"]["Bearer ".Length..]).Claims.Where(claim => claim.Type == KashifClaims.Role)
                .Select(claim => claim.Value).ShouldBe([Roles.Service]);
        }
    }

    [Theory]
    [InlineData("/api/v1/auth/me/%65xport")]
    [InlineData("/api/v1/auth/users/../me/export")]
    public async Task An_export_under_an_encoded_path_has_the_parts_of_all_services(string target)
    {
        var response = await Gateway.SendBytesAsync(
            $"GET {target} HTTP/1.1\r\nHost: {Gateway.Address.Authority}\r\nAuthorization: Bearer {Token}\r\nConnection: close\r\n\r\n");

        response.ShouldStartWith("HTTP/1.1 200 OK\r\n");
        response.ShouldEndWith($"\r\n\r\n{Document}");
    }

    [Fact]
    public async Task An_export_is_always_of_the_caller()
    {
        var other = Guid.CreateVersion7();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Path}?id={other}&user_id={other}");
        request.Headers.Add("X-User-Id", other.ToString());

        using var response = await SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        ResourceNames.UserDataServices.SelectMany(service => Gateway[service].Requests).ShouldAllBe(part => part.Target == $"/internal/v1/users/{_user}/export");
    }

    [Fact]
    public async Task HEAD_returns_the_headers_of_GET_without_a_body()
    {
        using var response = await SendAsync(HttpMethod.Head);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentLength.ShouldBe(Document.Length);
        (response.Content.Headers.ContentDisposition?.DispositionType).ShouldBe("attachment");
        (await response.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(500)]
    public async Task An_error_of_auth_is_returned_without_calling_other_services(int status)
    {
        Auth.Respond = async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/problem+json";
            await context.Response.WriteAsync("""{"code":"its_own"}""");
        };

        using var response = await SendAsync(HttpMethod.Get);

        ((int)response.StatusCode).ShouldBe(status);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("""{"code":"its_own"}""");
        ShouldHaveCalledNoService();
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData("Basic bGluYTpzZWNyZXQ=", 1)]
    [InlineData("Bearer not.a.token", 0)]
    public async Task Without_a_valid_token_no_service_is_called(string? authorization, int callsToAuth)
    {
        Auth.Respond = context =>
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        if (authorization is not null)
        {
            request.Headers.Add("Authorization", authorization);
        }

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Auth.Requests.Count.ShouldBe(callsToAuth);
        ShouldHaveCalledNoService();
    }

    [Fact]
    public async Task An_API_key_is_refused_by_auth_and_calls_no_other_service()
    {
        const string Key = "kashif_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
        var token = GatewayServers.Issuer.TokenForApiKey(_user, "auth:read");
        Auth.Respond = async context =>
        {
            if (context.Request.Path == "/internal/v1/api-keys/exchange")
            {
                await context.Response.WriteAsJsonAsync(new { access_token = token, expires_in = 60 });
                return;
            }

            context.Response.StatusCode = context.Request.Headers.Authorization == $"Bearer {token}" ? 403 : 500;
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.Add("X-Api-Key", Key);

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        ShouldHaveCalledNoService();
    }

    [Theory]
    [InlineData(ResourceNames.Reporting, false)]
    [InlineData(ResourceNames.Gamification, true)]
    [InlineData(ResourceNames.Coupons, false)]
    [InlineData(ResourceNames.Notifications, true)]
    public async Task A_missing_part_of_any_service_returns_503_without_a_document(string service, bool isIncomplete)
    {
        await using var second = await FakeService.StartAsync(ResourceNames.Auth);
        await using var gateway = await StartAsync(($"services:{ResourceNames.Auth}:http:1", second.Address));
        second.Respond = WriteAccountAsync;
        gateway[service].Respond = context =>
        {
            if (isIncomplete)
            {
                return WriteIncompleteAsync(context, """{"things":[1,""");
            }

            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };

        using var response = await gateway.With(Token).GetAsync(Path, Cancel);

        await ShouldBeUnavailableAsync(response, "export_unavailable");
        (response.Headers.RetryAfter?.Delta).ShouldBe(TimeSpan.FromSeconds(30));
        (gateway[ResourceNames.Auth].Requests.Count + second.Requests.Count).ShouldBe(1); // One export, one audit entry.
    }

    [Fact]
    public async Task An_incomplete_account_returns_503_without_a_document()
    {
        Auth.Respond = context => WriteIncompleteAsync(context, Account[..20]);

        using var response = await SendAsync(HttpMethod.Get);

        await ShouldBeUnavailableAsync(response, "unavailable");
        ShouldHaveCalledNoService();
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"exported_at\":")]
    public async Task An_account_that_is_not_an_object_returns_503_without_a_document(string body)
    {
        Auth.Respond = context => context.Response.WriteAsync(body);

        using var response = await SendAsync(HttpMethod.Get);

        await ShouldBeUnavailableAsync(response, "export_unavailable");
        ShouldHaveCalledNoService();
    }

    [Fact]
    public async Task A_rejected_service_token_is_replaced_within_the_export()
    {
        var tokens = new List<string>();
        Gateway[ResourceNames.Reporting].Respond = context =>
        {
            tokens.Add(context.Request.Headers.Authorization.ToString());
            context.Response.StatusCode = tokens.Count == 1 ? 401 : 200;
            return context.Response.WriteAsync("""["reporting"]""");
        };

        using var response = await SendAsync(HttpMethod.Get);

        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe(Document);
        tokens.Count.ShouldBe(2);
        tokens[1].ShouldNotBe(tokens[0]);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(100_000)] // Buffered in a file.
    [InlineData(3_000_000)] // Too long to buffer for the envelope.
    public async Task A_document_of_any_length_is_complete_with_and_without_an_envelope(int length)
    {
        var part = $"\"{new string('x', length)}\"";
        Gateway[ResourceNames.Coupons].Respond = context => context.Response.WriteAsync(part);
        var expected = Document.Replace("""["coupons"]""", part, StringComparison.Ordinal);
        using var preferring = new HttpRequestMessage(HttpMethod.Get, Path);
        preferring.Headers.Add("Prefer", "envelope");

        using var plain = await SendAsync(HttpMethod.Get);
        using var wrapped = await SendAsync(preferring);

        (await plain.Content.ReadAsStringAsync(Cancel)).ShouldBe(expected);
        (await wrapped.Content.ReadAsStringAsync(Cancel)).ShouldBe($$"""{"success":true,"data":{{expected}},"error":null,"message":"OK","meta":null}""");
        wrapped.Headers.GetValues("Preference-Applied").ShouldBe(["envelope"]);
    }

    [Fact]
    public async Task An_export_is_not_compressed()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        Gateway[ResourceNames.Coupons].Respond = context => context.Response.WriteAsync($"\"{new string('x', 10_000)}\"");

        using var response = await SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentEncoding.ShouldBeEmpty(); // Its size could reveal a secret (BREACH).
    }

    [Theory]
    [InlineData("00:01:00", 200)]
    [InlineData("00:00:01", 504)]
    public async Task An_export_has_the_long_timeout(string longTimeout, int status)
    {
        await using var gateway = await StartAsync(("Proxy:Timeout", "00:00:01"), ("Proxy:LongTimeout", longTimeout));
        gateway[ResourceNames.Coupons].Respond = async context =>
        {
            await Task.Delay(1500, context.RequestAborted);
            await context.Response.WriteAsync("""["coupons"]""");
        };

        using var response = await gateway.With(Token).GetAsync(Path, Cancel);

        ((int)response.StatusCode).ShouldBe(status);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldContain(status == 200 ? """["coupons"]""" : "\"timeout\"");
    }

    [Fact]
    public async Task The_export_limit_counts_GET_and_HEAD_under_every_path()
    {
        await using var gateway = await StartAsync(("RateLimits:Scale", "1"), ("RateLimits:Export:Permits", "3"), ("RateLimits:Export:Window", "01:00:00"));
        using var client = gateway.With(Token);
        foreach (var (method, path) in new[] { ("GET", Path), ("HEAD", Path), ("GET", "/api/auth/me/export/") })
        {
            using var passed = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Cancel);
            passed.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        using var get = await client.GetAsync(Path, Cancel);
        using var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/api/auth/me/export"), Cancel);

        get.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        head.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        gateway[ResourceNames.Auth].Requests.Count.ShouldBe(3);
        gateway[ResourceNames.Notifications].Requests.Count.ShouldBe(3);
    }

    private static async Task<GatewayService> StartAsync(params (string Key, string? Value)[] settings)
    {
        var gateway = await GatewayService.StartAsync(settings);
        gateway[ResourceNames.Auth].Respond = WriteAccountAsync;
        foreach (var service in ResourceNames.UserDataServices)
        {
            gateway[service].Respond = context => context.Response.WriteAsync($"[\"{service}\"]");
        }

        return gateway;
    }

    private static Task WriteAccountAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentDisposition = "attachment; filename=\"kashif-export.json\"";
        return context.Response.WriteAsync(Account);
    }

    /// <summary>Writes less than Content-Length, so that Kestrel aborts the connection.</summary>
    private static Task WriteIncompleteAsync(HttpContext context, string beginning)
    {
        context.Response.ContentLength = beginning.Length + 1;
        return context.Response.WriteAsync(beginning);
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method) => SendAsync(new HttpRequestMessage(method, Path));

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string? token = null)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? Token);
        return Gateway.Client.SendAsync(request, Cancel);
    }

    private void ShouldHaveCalledNoService() => ResourceNames.UserDataServices.SelectMany(service => Gateway[service].Requests).ShouldBeEmpty();

    private static async Task ShouldBeUnavailableAsync(HttpResponseMessage response, string code)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
        response.Content.Headers.ContentDisposition.ShouldBeNull();
        response.Headers.RetryAfter.ShouldNotBeNull();
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe(code);
    }
}
