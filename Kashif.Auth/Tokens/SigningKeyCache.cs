using System.Text.Json;
using Kashif.Auth.Data;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Auth.Tokens;

/// <summary>The signing keys in memory: one signs, all are published in the JWKS, and Auth's own endpoints validate with them.</summary>
internal sealed class SigningKeyCache(IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<SigningKeyCache> logger) : TokenValidationKeys(time, logger)
{
    private readonly TimeProvider _time = time;
    private volatile Keys? _keys;

    /// <summary>The public half of every key.</summary>
    public JwksResponse Published => Loaded.Published;

    /// <summary>The key that signs now: the newest active one.</summary>
    public TokenSigner Current
    {
        get
        {
            var now = _time.GetUtcNow();
            var keys = Loaded.Newest;
            return (keys.FirstOrDefault(key => key.ActiveFrom <= now) ?? keys[^1]).TokenSigner; // the oldest one if this machine's clock is behind
        }
    }

    protected override TimeSpan Freshness => options.Value.KeyRotation.Poll;

    private Keys Loaded => _keys ?? throw new InvalidOperationException("The signing keys are read when the service starts.");

    protected override async Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var scope = scopes.CreateAsyncScope();
        var stored = await scope.ServiceProvider.GetRequiredService<AuthDbContext>().SigningKeys.AsNoTracking()
            .Where(key => key.RetiredAt == null || key.RetiredAt > now)
            .OrderByDescending(key => key.ActiveFrom)
            .ToListAsync(cancellationToken);

        var opened = _keys?.Newest.ToDictionary(key => key.TokenSigner.KeyId, key => key.TokenSigner) ?? [];
        List<CachedKey> newest = [.. stored.Select(key =>
            new CachedKey(key.ActiveFrom, opened.GetValueOrDefault(key.Id) ?? new TokenSigner(key.Id, key.Open(options.Value.Secrets))))];
        var published = new JwksResponse([.. newest.Select(key => key.TokenSigner.Public)]);

        var keySet = new JsonWebKeySet(JsonSerializer.Serialize(published, AuthJson.Default.JwksResponse));
        var configuration = new OpenIdConnectConfiguration { Issuer = options.Value.Issuer, JsonWebKeySet = keySet };
        foreach (var key in keySet.GetSigningKeys())
        {
            configuration.SigningKeys.Add(key);
        }

        _keys = new Keys(newest, published);
        return configuration;
    }

    /// <param name="Newest">Newest first.</param>
    private sealed record Keys(IReadOnlyList<CachedKey> Newest, JwksResponse Published);

    private sealed record CachedKey(DateTimeOffset ActiveFrom, TokenSigner TokenSigner);
}
