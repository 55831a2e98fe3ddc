using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Registry.Tests;

public sealed class JwtBearerTests
{
    [Theory]
    [InlineData(true, ClaimTypes.NameIdentifier)]
    [InlineData(false, "sub")]
    public async Task Claims_keep_their_names_if_asked(bool map, string claim)
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // Signature providers are cached by the key's id.
        var key = new ECDsaSecurityKey(ecdsa) { KeyId = Guid.CreateVersion7().ToString() };
        await using var app = await StartAsync(key, map);
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "kashif",
            Audience = "kashif",
            Subject = new ClaimsIdentity([new Claim("sub", "42")]),
            Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5),
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256),
        });
        var client = app.GetTestClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);

        (await client.GetStringAsync($"/?claim={Uri.EscapeDataString(claim)}", TestContext.Current.CancellationToken)).ShouldBe("42");
    }

    [Fact]
    public void The_property_reads_what_was_written()
    {
        var options = new JwtBearerOptions();
        options.MapInboundClaims.ShouldBeTrue();

        options.MapInboundClaims = false;

        options.MapInboundClaims.ShouldBeFalse();
    }

    private static async Task<WebApplication> StartAsync(SecurityKey key, bool map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddAuthorization();
        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(options =>
        {
            options.MapInboundClaims = map;
            options.TokenValidationParameters = new() { ValidIssuer = "kashif", ValidAudience = "kashif", IssuerSigningKey = key };
        });
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGet("/", (ClaimsPrincipal user, string claim) => user.FindFirstValue(claim) ?? "none").RequireAuthorization();
        await app.StartAsync();
        return app;
    }
}
