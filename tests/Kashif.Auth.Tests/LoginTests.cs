using System.IdentityModel.Tokens.Jwt;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Auth.Tests;

public sealed class LoginTests(AuthServers servers)
{
    private readonly HttpClient _client = servers.Auth.Anonymous();

    [Fact]
    public async Task Login_returns_an_oauth_token_response()
    {
        var (email, _) = await _client.RegisterAsync();
        using var response = await _client.TryTokenAsync(("grant_type", "password"), ("username", email.ToUpperInvariant()), ("password", AuthServers.GoodPassword));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
        var answer = await response.JsonAsync();
        answer.GetProperty("token_type").GetString().ShouldBe("bearer");
        answer.GetProperty("expires_in").GetInt32().ShouldBe(900);
        answer.GetProperty("refresh_token").GetString().ShouldNotBeNull().Length.ShouldBe(43); // 256 bits
    }

    [Fact]
    public async Task Access_token_has_subject_and_roles_and_no_personal_data()
    {
        var (email, user) = await _client.RegisterAsync();
        var tokens = await _client.LoginAsync(email);

        var header = JsonSerializer.Deserialize<JsonElement>(Base64UrlEncoder.DecodeBytes(tokens.Access.Split('.')[0]));
        header.EnumerateObject().Select(member => member.Name).ShouldBe(["alg", "typ", "kid"], ignoreOrder: true);
        header.GetProperty("alg").GetString().ShouldBe("ES256");
        header.GetProperty("typ").GetString().ShouldBe("at+jwt");
        var claims = JsonSerializer.Deserialize<JsonElement>(Base64UrlEncoder.DecodeBytes(tokens.Access.Split('.')[1]));
        claims.EnumerateObject().Select(claim => claim.Name).ShouldBe(["iss", "aud", "sub", "jti", "iat", "exp", "sid", "roles"], ignoreOrder: true);
        claims.GetProperty("sub").GetString().ShouldBe(user.GetProperty("id").GetString());
        claims.GetProperty("iss").GetString().ShouldBe(AuthServers.Issuer);
        claims.GetProperty("aud").GetString().ShouldBe("kashif");
        claims.GetProperty("roles").EnumerateArray().Select(role => role.GetString()).ShouldBe(["citizen"]);
        (claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64()).ShouldBe(900);
    }

    [Fact]
    public async Task Access_token_validates_with_the_published_keys()
    {
        var (email, user) = await _client.RegisterAsync();
        var tokens = await _client.LoginAsync(email);
        var keys = new JsonWebKeySet(await _client.GetStringAsync("/api/v1/auth/.well-known/jwks.json", TestContext.Current.CancellationToken));

        var parameters = new TokenValidationParameters
        {
            ValidIssuer = AuthServers.Issuer,
            ValidAudience = "kashif",
            IssuerSigningKeys = keys.GetSigningKeys(),
        };
        var principal = new JwtSecurityTokenHandler { MapInboundClaims = false }.ValidateToken(tokens.Access, parameters, out var validated);
        principal.FindFirst("sub").ShouldNotBeNull().Value.ShouldBe(user.GetProperty("id").GetString());
        ((JwtSecurityToken)validated).Header.Alg.ShouldBe("ES256");
    }

    [Fact]
    public async Task Wrong_password_and_unknown_account_get_the_same_answer()
    {
        var (email, _) = await _client.RegisterAsync();
        using var wrong = await _client.TryLoginAsync(email, "not this one");
        using var unknown = await _client.TryLoginAsync(Journey.NewEmail(), "not this one");
        using var odd = await _client.TryLoginAsync(new string('x', 5000), new string('y', 5000));

        var answers = new List<string>();
        foreach (var response in new[] { wrong, unknown, odd })
        {
            var problem = await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
            problem.GetProperty("error").GetString().ShouldBe("invalid_grant");
            answers.Add(problem.GetProperty("detail").GetString() ?? "");
        }

        answers.Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task Token_request_with_a_bad_form_is_refused()
    {
        using var empty = await _client.TryTokenAsync();
        await empty.ShouldNameFieldsAsync("username", "password");
        using var half = await _client.TryTokenAsync(("username", "x"), ("password", ""));
        await half.ShouldNameFieldsAsync("password");
        using var client = await _client.TryTokenAsync(("grant_type", "client_credentials"));
        await client.ShouldNameFieldsAsync("client_id", "client_secret");
        using var other = await _client.TryTokenAsync(("grant_type", "implicit"));
        await other.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "unsupported_grant_type");
        using var nul = await _client.TryTokenAsync(("username", "a\0"), ("password", "x"));
        await nul.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
        using var json = await _client.PostAsync(
            "/api/v1/auth/token", new StringContent("{}", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        await json.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task Too_many_wrong_passwords_lock_the_account()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<TimeProvider>(time));
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();

        // In parallel: a count that is read and then written would miss some.
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ => (await client.TryLoginAsync(email, "not this one")).Dispose()));

        using var locked = await client.TryLoginAsync(email);
        await locked.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        time.Advance(TimeSpan.FromMinutes(6));
        (await client.LoginAsync(email)).Access.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task User_agent_is_cut_between_characters()
    {
        using var anonymous = servers.Auth.Anonymous();
        using var client = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => System.Text.Encoding.UTF8 }) { BaseAddress = anonymous.BaseAddress };
        var (email, user) = await client.RegisterAsync();
        client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", new string('x', 399) + "\U0001f600").ShouldBeTrue();

        using var wrong = await client.TryLoginAsync(email, "not this one");

        await wrong.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        using var owner = servers.Auth.With((await client.LoginAsync(email)).Access);
        (await owner.AuditAsync("login_failed")).ShouldHaveSingleItem().GetProperty("user_agent").GetString().ShouldBe(new string('x', 399));
    }

    [Fact]
    public async Task Login_resets_the_count_of_wrong_passwords()
    {
        var (email, _) = await _client.RegisterAsync();
        for (var round = 0; round < 2; round++)
        {
            for (var attempt = 0; attempt < 4; attempt++)
            {
                (await _client.TryLoginAsync(email, "not this one")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            }

            await _client.LoginAsync(email);
        }
    }

    [Fact]
    public async Task Client_credentials_return_a_service_token_without_a_user()
    {
        using var response = await _client.TryTokenAsync(
            ("grant_type", "client_credentials"), ("client_id", AuthServers.ClientId), ("client_secret", AuthServers.ClientSecret));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var answer = await response.JsonAsync();
        answer.TryGetProperty("refresh_token", out _).ShouldBeFalse();
        answer.GetProperty("expires_in").GetInt32().ShouldBe(600);

        var token = new JwtSecurityToken(answer.GetProperty("access_token").GetString());
        token.Subject.ShouldBe(AuthServers.ClientId);
        token.Claims.Where(claim => claim.Type == "roles").Select(claim => claim.Value).ShouldBe(["service"]);
        token.Claims.Single(claim => claim.Type == "scope").Value.ShouldBe("api-keys:exchange");

        using var me = await servers.Auth.With(token.RawData).MeAsync();
        await me.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData(AuthServers.ClientId, "wrong")]
    [InlineData("nobody", AuthServers.ClientSecret)]
    [InlineData("nobody", "wrong")]
    public async Task Wrong_client_secret_returns_401(string id, string secret)
    {
        using var response = await _client.TryTokenAsync(("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret));
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        problem.GetProperty("error").GetString().ShouldBe("invalid_client");
    }
}

internal sealed class MovableTime : TimeProvider
{
    private TimeSpan _ahead;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _ahead;

    public void Advance(TimeSpan by) => _ahead += by;
}
