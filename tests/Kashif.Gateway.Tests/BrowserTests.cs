using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Tests;

/// <summary>Security headers, CORS and HTTPS.</summary>
public sealed class BrowserTests
{
    private const string Page = "https://kashif.example";
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_response_has_the_security_headers_once()
    {
        await using var gateway = await GatewayService.StartAsync();
        gateway[ResourceNames.Gamification].Respond = context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            context.Response.Headers["Server"] = "secret/1.0";
            context.Response.Headers["X-Powered-By"] = "secret";
            context.Response.Headers["X-Frame-Options"] = "ALLOWALL";
            return context.Response.WriteAsync("{}");
        };
        await gateway.StopAsync(ResourceNames.Coupons);
        using var bad = gateway.With("nonsense");

        var responses = new[]
        {
            await gateway.Client.GetAsync("/api/v1/gamification/leaderboard", Cancel), await gateway.Client.GetAsync("/api/v1/gamification/leaderboard", Cancel),
            await gateway.Client.GetAsync("/nothing", Cancel), await gateway.Client.GetAsync("/api/v1/coupons", Cancel), await bad.GetAsync("/api/v1/auth/me", Cancel),
            await gateway.Client.GetAsync("/health", Cancel), await gateway.Client.GetAsync("/", Cancel), await gateway.Client.GetAsync("/metrics", Cancel),
        };

        responses.Select(response => (int)response.StatusCode).ShouldBe([200, 200, 404, 503, 401, 503, 302, 200]);
        foreach (var response in responses)
        {
            Header(response, "X-Content-Type-Options").ShouldBe("nosniff");
            Header(response, "X-Frame-Options").ShouldBe("DENY");
            Header(response, "Referrer-Policy").ShouldBe("no-referrer");
            Header(response, "Permissions-Policy").ShouldContain("geolocation=()");
            Header(response, "Cross-Origin-Opener-Policy").ShouldBe("same-origin");
            Header(response, "Cross-Origin-Resource-Policy").ShouldBe("same-origin");
            Header(response, "Content-Security-Policy").ShouldBe("default-src 'none'; frame-ancestors 'none'");
            response.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();
            response.Headers.Contains("Server").ShouldBeFalse();
            response.Headers.Contains("X-Powered-By").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task The_documentation_may_load_only_its_own_scripts()
    {
        await using var gateway = await GatewayService.StartAsync();

        foreach (var path in new[] { "/docs/index.html", "/docs/swagger-ui-bundle.js", "/docs/nothing" })
        {
            using var response = await gateway.Client.GetAsync(path, Cancel);
            var policy = Header(response, "Content-Security-Policy").Split("; ");
            policy.ShouldContain("script-src 'self'");
            policy.ShouldContain("default-src 'none'");
            policy.ShouldContain("frame-ancestors 'none'");
        }
    }

    [Fact]
    public async Task Pages_of_other_origins_may_show_photos()
    {
        await using var gateway = await GatewayService.StartAsync();

        foreach (var (path, policy) in new[]
        {
            ("/api/v1/reports/1/photos/2", "cross-origin"), ("/api/reports/1/photos/2", "cross-origin"), ("/api/v1/reports/1", "same-origin"),
        })
        {
            using var response = await gateway.Client.GetAsync(path, Cancel);
            Header(response, "Cross-Origin-Resource-Policy").ShouldBe(policy);
        }
    }

    [Fact]
    public async Task Without_configured_origins_there_are_no_CORS_headers()
    {
        await using var gateway = await GatewayService.StartAsync();

        using var read = await FromAsync(gateway, Page, HttpMethod.Get);
        using var preflight = await FromAsync(gateway, Page, HttpMethod.Options, "POST");

        read.Headers.ShouldNotContain(header => header.Key.StartsWith("Access-Control-"));
        preflight.Headers.ShouldNotContain(header => header.Key.StartsWith("Access-Control-"));
    }

    [Fact]
    public async Task Only_configured_origins_get_CORS_headers()
    {
        await using var gateway = await GatewayService.StartAsync(
            ("Cors:Origins:0", Page), ("Cors:Origins:1", "http://localhost:5173"), ("RateLimits:Scale", "1"), ("RateLimits:Anonymous:Permits", "3"), ("RateLimits:Anonymous:Window", "01:00:00"),
            ("Gateway:TrustedProxies:0", "127.0.0.1"));
        gateway.Client.DefaultRequestHeaders.Add("X-Forwarded-For", new IPAddress((uint)Random.Shared.Next(0x01000000, int.MaxValue)).ToString());

        for (var count = 0; count < 5; count++)
        {
            using var preflight = await FromAsync(gateway, Page, HttpMethod.Options, "PATCH", "authorization, idempotency-key");
            preflight.StatusCode.ShouldBe(HttpStatusCode.NoContent);
            Header(preflight, "Access-Control-Allow-Origin").ShouldBe(Page);
            Header(preflight, "Access-Control-Allow-Methods").ShouldContain("PATCH");
            Header(preflight, "Access-Control-Allow-Headers").ShouldContain("idempotency-key");
            Header(preflight, "Access-Control-Max-Age").ShouldBe("600");
            preflight.Headers.Contains("Access-Control-Allow-Credentials").ShouldBeFalse();
        }

        using var wrongPreflight = await FromAsync(gateway, "https://evil.example", HttpMethod.Options, "PATCH");
        wrongPreflight.Headers.ShouldNotContain(header => header.Key.StartsWith("Access-Control-"));
        gateway[ResourceNames.Coupons].Requests.ShouldBeEmpty();

        using var read = await FromAsync(gateway, Page, HttpMethod.Get);
        using var wrong = await FromAsync(gateway, "https://evil.example", HttpMethod.Get);
        Header(read, "Access-Control-Allow-Origin").ShouldBe(Page);
        string[] exposed = ["Location", "ETag", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Correlation-Id", "Idempotency-Replayed", "Deprecation", "Sunset", "Link"];
        exposed.ShouldBeSubsetOf(Header(read, "Access-Control-Expose-Headers").Split(','));
        read.Headers.Vary.ShouldContain("Origin");
        read.Headers.Vary.Count(name => name == "Origin").ShouldBe(1);
        wrong.Headers.Vary.ShouldContain("Origin");
        wrong.Headers.ShouldNotContain(header => header.Key.StartsWith("Access-Control-"));

        // A page must be able to read the rejection.
        using var last = await FromAsync(gateway, Page, HttpMethod.Get);
        using var refused = await FromAsync(gateway, Page, HttpMethod.Get);
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        Header(refused, "Access-Control-Allow-Origin").ShouldBe(Page);
    }

    [Fact]
    public async Task A_cached_response_has_the_CORS_headers_of_each_origin()
    {
        await using var gateway = await GatewayService.StartAsync(("Cors:Origins:0", Page), ("Cors:Origins:1", "https://other.example"));
        gateway[ResourceNames.Coupons].Respond = context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            return context.Response.WriteAsync("kept");
        };

        using var first = await FromAsync(gateway, Page, HttpMethod.Get);
        using var second = await FromAsync(gateway, "https://other.example", HttpMethod.Get);
        using var wrong = await FromAsync(gateway, "https://evil.example", HttpMethod.Get);

        Header(first, "Access-Control-Allow-Origin").ShouldBe(Page);
        Header(second, "Access-Control-Allow-Origin").ShouldBe("https://other.example");
        wrong.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
        gateway[ResourceNames.Coupons].Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("*", "true", "Cors:Credentials")]
    [InlineData("https://kashif.example/", "false", "https://kashif.example/")]
    [InlineData("kashif.example", "false", "kashif.example")]
    public async Task Invalid_origins_stop_the_start(string origin, string credentials, string named)
    {
        var exception = await Should.ThrowAsync<OptionsValidationException>(
            async () => await GatewayService.StartAsync(("Cors:Origins:0", origin), ("Cors:Credentials", credentials)));

        exception.Message.ShouldContain(named);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_a_certificate_http_redirects_to_https(bool isPem)
    {
        using var directory = new TemporaryDirectory();
        using var certificate = SelfSigned();
        (string, string?)[] settings = isPem
            ? [("Kestrel:Certificates:Default:Path", directory.Write("gateway.pem", certificate.ExportCertificatePem())), ("Kestrel:Certificates:Default:KeyPath", directory.Write("gateway.key", certificate.GetECDsaPrivateKey()?.ExportPkcs8PrivateKeyPem() ?? ""))]
            : [("Kestrel:Certificates:Default:Path", directory.Write("gateway.pfx", certificate.Export(X509ContentType.Pfx, "secret"))), ("Kestrel:Certificates:Default:Password", "secret")];
        await using var gateway = await GatewayService.StartAsync([.. settings, ("urls", "http://127.0.0.1:0;https://127.0.0.1:0")]);
        var addresses = gateway.Provider.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(address => new Uri(address)).ToArray();
        var http = addresses.Single(address => address.Scheme == "http");
        var https = addresses.Single(address => address.Scheme == "https");
        using var client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, presented, _, _) => presented?.GetCertHashString() == certificate.GetCertHashString() },
        });

        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(https, "/api/v1/coupons?x=1"));
        request.Headers.Host = "kashif.example";
        using var secure = await client.SendAsync(request, Cancel);
        using var here = await client.GetAsync(new Uri(https, "/api/v1/coupons"), Cancel);
        using var plain = await client.PostAsync(new Uri(http, "/api/v1/coupons/1?x=%20"), null, Cancel);
        using var probe = await client.GetAsync(new Uri(http, "/alive"), Cancel);

        secure.StatusCode.ShouldBe(HttpStatusCode.OK);
        Header(secure, "Strict-Transport-Security").ShouldBe("max-age=31536000; includeSubDomains");
        here.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();
        gateway[ResourceNames.Coupons].Requests[0].Headers["X-Forwarded-Proto"].ShouldBe("https");
        plain.StatusCode.ShouldBe(HttpStatusCode.PermanentRedirect);
        plain.Headers.Location.ShouldBe(new Uri(https, "/api/v1/coupons/1?x=%20"));
        probe.StatusCode.ShouldBe(HttpStatusCode.OK);
        gateway[ResourceNames.Coupons].Requests.Count.ShouldBe(2);
    }

    private static Task<HttpResponseMessage> FromAsync(GatewayService gateway, string origin, HttpMethod method, string? preflightOf = null, string? headers = null)
    {
        var request = new HttpRequestMessage(method, "/api/v1/coupons");
        request.Headers.Add("Origin", origin);
        if (preflightOf is not null)
        {
            request.Headers.Add("Access-Control-Request-Method", preflightOf);
            request.Headers.Add("Access-Control-Request-Headers", headers ?? "authorization");
        }

        return gateway.Client.SendAsync(request, Cancel);
    }

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).ShouldHaveSingleItem();

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kashif.example", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private sealed class TemporaryDirectory : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("kashif-gateway-").FullName;

        public string Write(string name, string text) => Write(name, System.Text.Encoding.ASCII.GetBytes(text));

        public string Write(string name, byte[] bytes)
        {
            var path = Path.Combine(_path, name);
            File.WriteAllBytes(path, bytes);
            return path;
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
