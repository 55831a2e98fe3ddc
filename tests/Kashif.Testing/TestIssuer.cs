using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kashif.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Testing;

/// <summary>A fake Auth: serves a discovery document and keys, and signs tokens.</summary>
public sealed class TestIssuer : IAsyncDisposable
{
    private const string Issuer = "https://issuer.test/api/v1/auth";
    private readonly WebApplication _application;
    private readonly SigningCredentials _credentials;

    private TestIssuer(WebApplication application, SigningCredentials credentials)
    {
        _application = application;
        _credentials = credentials;
    }

    /// <summary>The customers that Auth knows, with the Authorization header of the last request for each.</summary>
    public ConcurrentDictionary<Guid, string> Customers { get; } = new();

    public string Address => _application.Urls.First();

    public static async Task<TestIssuer> StartAsync()
    {
        var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = new ECDsaSecurityKey(ecdsa) { KeyId = Guid.CreateVersion7().ToString("N") };
        var point = ecdsa.ExportParameters(includePrivateParameters: false).Q;

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var jwks = $$"""
            {"keys":[{"kty":"EC","use":"sig","alg":"ES256","crv":"P-256","kid":"{{key.KeyId}}","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}]}
            """;
        var discovery = $$"""{"issuer":"{{Issuer}}","jwks_uri":"{{Issuer}}/.well-known/jwks.json"}""";
        var signing = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256);
        var issuer = new TestIssuer(application, signing);
        application.Run(async context =>
        {
            context.Response.ContentType = "application/json";
            await (context.Request.Path.Value switch
            {
                "/api/v1/auth/.well-known/openid-configuration" => context.Response.WriteAsync(discovery),
                "/api/v1/auth/.well-known/jwks.json" => context.Response.WriteAsync(jwks),
                "/api/v1/auth/token" => context.Response.WriteAsync(
                    $$"""{"access_token":"{{SignForService(signing, ServiceScopes.All)}}","token_type":"bearer","expires_in":300}"""),
                { } path when path.StartsWith("/api/v1/auth/customers/", StringComparison.Ordinal) && issuer.Knows(Guid.Parse(path[(path.LastIndexOf('/') + 1)..]), context) =>
                    context.Response.WriteAsync("{}"),
                _ => NotFound(context),
            });
        });
        await application.StartAsync();
        return issuer;

        static Task NotFound(HttpContext context)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
    }

    /// <summary>A user's access token.</summary>
    public string TokenFor(Guid userId, params string[] roles) => Sign(
        _credentials, userId.ToString(), roles is [] ? [Roles.Citizen] : roles, TimeSpan.FromMinutes(15),
        new() { [KashifClaims.Session] = Guid.CreateVersion7().ToString() });

    /// <summary>A user's access token, in a session.</summary>
    public string TokenForSession(Guid userId, Guid sessionId) => Sign(
        _credentials, userId.ToString(), [Roles.Citizen], TimeSpan.FromMinutes(15), new() { [KashifClaims.Session] = sessionId.ToString() });

    /// <summary>A service's access token, with these or all of <see cref="ServiceScopes"/>.</summary>
    public string TokenForService(params string[] scopes) => SignForService(_credentials, scopes is [] ? ServiceScopes.All : scopes);

    /// <summary>The token that the gateway receives for a user's API key.</summary>
    public string TokenForApiKey(Guid userId, string scopes, params string[] roles) => Sign(
        _credentials, userId.ToString(), roles is [] ? [Roles.Citizen] : roles, TimeSpan.FromMinutes(1),
        new() { [KashifClaims.ApiKey] = Guid.CreateVersion7().ToString(), [KashifClaims.Scope] = scopes });

    /// <summary>A valid but expired token.</summary>
    public string ExpiredTokenFor(Guid userId) => Sign(_credentials, userId.ToString(), [Roles.Citizen], TimeSpan.FromHours(-1));

    private bool Knows(Guid customer, HttpContext context) =>
        Customers.TryGetValue(customer, out var last) && Customers.TryUpdate(customer, context.Request.Headers.Authorization.ToString(), last);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static string SignForService(SigningCredentials credentials, IEnumerable<string> scopes) => Sign(
        credentials, "test-service", [Roles.Service], TimeSpan.FromMinutes(10), new() { [KashifClaims.Scope] = string.Join(' ', scopes) });

    private static string Sign(
        SigningCredentials credentials, string subject, string[] roles, TimeSpan lifetime, Dictionary<string, object>? more = null)
    {
        var expires = TimeProvider.System.GetUtcNow().Add(lifetime).UtcDateTime;
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = KashifClaims.Audience,
            IssuedAt = expires.AddDays(-1),
            NotBefore = expires.AddDays(-1),
            Expires = expires,
            SigningCredentials = credentials,
            Claims = new Dictionary<string, object>(more ?? [])
            {
                [KashifClaims.Subject] = subject,
                [KashifClaims.Role] = roles,
                [JwtRegisteredClaimNames.Jti] = Guid.CreateVersion7().ToString(),
            },
        });
    }
}
