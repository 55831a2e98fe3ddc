using System.Security.Cryptography;
using System.Net;
using System.Text.Json;
using Kashif.Auth.Tokens;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Auth.Tests;

public sealed class KeyTests(AuthServers servers)
{
    [Fact]
    public async Task Jwks_contains_public_keys_only()
    {
        using var client = servers.Auth.Anonymous();
        using var response = await client.GetAsync("/api/v1/auth/.well-known/jwks.json", TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.CacheControl.ShouldNotBeNull().MaxAge.ShouldNotBeNull();

        var key = (await response.JsonAsync()).GetProperty("keys").EnumerateArray().Single();
        key.EnumerateObject().Select(member => member.Name).ShouldBe(["kty", "use", "alg", "crv", "kid", "x", "y"]);
        key.GetProperty("alg").GetString().ShouldBe("ES256");
        key.GetProperty("use").GetString().ShouldBe("sig");

        client.DefaultRequestHeaders.IfNoneMatch.Add(response.Headers.ETag.ShouldNotBeNull());
        using var unchanged = await client.GetAsync("/api/v1/auth/.well-known/jwks.json", TestContext.Current.CancellationToken);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task Discovery_document_has_the_public_addresses()
    {
        using var client = servers.Auth.Anonymous();
        using var response = await client.GetAsync("/api/v1/auth/.well-known/openid-configuration", TestContext.Current.CancellationToken);
        response.Headers.CacheControl.ShouldNotBeNull().MaxAge.ShouldNotBeNull();
        var document = await response.JsonAsync();
        document.GetProperty("issuer").GetString().ShouldBe(AuthServers.Issuer);
        document.GetProperty("jwks_uri").GetString().ShouldBe($"{AuthServers.Issuer}/.well-known/jwks.json");
        document.GetProperty("token_endpoint").GetString().ShouldBe($"{AuthServers.Issuer}/token");
    }

    [Fact]
    public async Task Restart_keeps_the_key_and_its_tokens()
    {
        await using var first = await servers.StartAsync();
        using var client = first.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var tokens = await client.LoginAsync(email);

        await using var second = await servers.StartAsync(first.Database);
        (await KeyIdAsync(second)).ShouldBe(await KeyIdAsync(first));
        (await second.With(tokens.Access).MeAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Replicas_starting_together_create_one_key_and_one_admin()
    {
        var database = await servers.CreateDatabaseAsync();
        var replicas = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => servers.StartAsync(database)));
        try
        {
            (await Task.WhenAll(replicas.Select(KeyIdAsync))).Distinct().Count().ShouldBe(1);
            await using var source = NpgsqlDataSource.Create(database);
            (await source.CreateCommand("SELECT (SELECT count(*) FROM signing_keys) * 10 + (SELECT count(*) FROM users)")
                .ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(11L);
        }
        finally
        {
            foreach (var replica in replicas)
            {
                await replica.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task Stored_key_is_encrypted()
    {
        await using var database = NpgsqlDataSource.Create(servers.Auth.Database);
        await using var reader = await database.CreateCommand("SELECT id, protected_key FROM signing_keys").ExecuteReaderAsync(TestContext.Current.CancellationToken);
        (await reader.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeTrue();
        var row = new StoredSigningKey
        {
            Id = reader.GetString(0),
            ProtectedKey = reader.GetFieldValue<byte[]>(1),
            SecretId = null,
            CreatedAt = default,
            ActiveFrom = default,
        };

        using var key = row.Open(new RootSecrets(AuthServers.SigningKeySecret));
        var secret = key.ExportParameters(includePrivateParameters: true).D.ShouldNotBeNull();
        row.ProtectedKey.AsSpan().IndexOf(secret).ShouldBe(-1);
        row.ProtectedKey.AsSpan().IndexOf(key.ExportSubjectPublicKeyInfo().AsSpan(^32..)).ShouldBe(-1);
        Should.Throw<AuthenticationTagMismatchException>(() => row.Open(new RootSecrets($"{AuthServers.SigningKeySecret}x")));

        // Bound to its id: a row cannot be moved to another id.
        var moved = new StoredSigningKey { Id = "other", ProtectedKey = row.ProtectedKey, SecretId = null, CreatedAt = default, ActiveFrom = default };
        Should.Throw<AuthenticationTagMismatchException>(() => moved.Open(new RootSecrets(AuthServers.SigningKeySecret)));
    }

    [Theory]
    [InlineData("Auth:SigningKeySecret", null)]
    [InlineData("Auth:SigningKeySecret", "short")]
    [InlineData("Auth:SigningKeySecret", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("Auth:OtherSigningKeySecret", "short")]
    [InlineData("Auth:OtherSigningKeySecret", AuthServers.SigningKeySecret)]
    [InlineData("Auth:LongestSession", "1.00:00:00")]
    [InlineData("Auth:Issuer", null)]
    [InlineData("Auth:Issuer", "kashif")]
    [InlineData("Auth:Issuer", "https://kashif.test/")]
    [InlineData("Auth:Admin:Password", null)]
    [InlineData("Auth:Admin:Password", "password123")]
    [InlineData("Auth:Admin:Email", "admin")]
    [InlineData("Auth:ServiceClients:coupons:Secret", "short")]
    [InlineData("Auth:ServiceClients:other:Secret", AuthServers.ClientSecret)]
    [InlineData("Auth:ServiceClients:coupons:Scopes", "points:debit points:award")]
    [InlineData("Auth:ServiceClients:coupons:Scopes", " ")]
    public async Task Invalid_setting_stops_the_start_and_is_named(string key, string? value)
    {
        var failure = await Should.ThrowAsync<Exception>(() => servers.StartAsync(settings: (key, value)));
        failure.GetBaseException().ShouldBeOfType<OptionsValidationException>();
        failure.GetBaseException().Message.ShouldContain(key);
        if (value is not null)
        {
            failure.GetBaseException().Message.ShouldNotContain($"'{value}'");
        }
    }

    private static async Task<string?> KeyIdAsync(Kashif.Testing.ServiceHost<Program> host)
    {
        using var client = host.Anonymous();
        var keys = JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync("/api/v1/auth/.well-known/jwks.json"));
        return keys.GetProperty("keys").EnumerateArray().Single().GetProperty("kid").GetString();
    }
}
