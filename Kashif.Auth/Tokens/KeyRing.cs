using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Auth.Tokens;

/// <summary>The signing keys in memory: one signs, all are published, and Auth's own endpoints validate by them.</summary>
internal sealed class KeyRing(IOptions<AuthOptions> options, TimeProvider time) : IConfigurationManager<OpenIdConnectConfiguration>
{
    private volatile Keys? _keys;

    /// <summary>The published half of every key.</summary>
    public JwksResponse Published => Loaded.Published;

    private Keys Loaded => _keys ?? throw new InvalidOperationException("The signing keys are read when the service starts.");

    /// <param name="stored">Those that are not retired.</param>
    public void Load(IEnumerable<SigningKey> stored)
    {
        var now = time.GetUtcNow();
        var opened = stored.OrderByDescending(key => key.ActiveFrom).Select(key => (Row: key, Signer: new Signer(key.Id, key.Open(options.Value.SigningKeySecret)))).ToList();
        var published = new JwksResponse([.. opened.Select(key => key.Signer.Public)]);

        var keySet = new JsonWebKeySet(JsonSerializer.Serialize(published, AuthJson.Default.JwksResponse));
        var configuration = new OpenIdConnectConfiguration { Issuer = options.Value.Issuer, JsonWebKeySet = keySet };
        foreach (var key in keySet.GetSigningKeys())
        {
            configuration.SigningKeys.Add(key);
        }

        _keys = new Keys(opened.First(key => key.Row.ActiveFrom <= now).Signer, published, configuration);
    }

    /// <summary>The key that signs now.</summary>
    public Signer Current => Loaded.Current;

    public Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel) => Task.FromResult(Loaded.Configuration);

    public void RequestRefresh()
    {
        // What is in memory is what there is.
    }

    private sealed record Keys(Signer Current, JwksResponse Published, OpenIdConnectConfiguration Configuration);
}

/// <summary>Signs with ES256 (RFC 7518 section 3.4).</summary>
internal sealed class Signer(string keyId, ECDsa key)
{
    private readonly Lock _lock = new(); // an ECDsa is not for several threads at once

    public string KeyId => keyId;

    public JwksKey Public { get; } = Publish(keyId, key);

    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature)
    {
        lock (_lock)
        {
            key.SignData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }

    private static JwksKey Publish(string keyId, ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new JwksKey("EC", "sig", "ES256", "P-256", keyId, Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
    }
}

/// <summary>Reads the keys at start and, the first time, makes one; replicas that start together agree on it.</summary>
internal sealed partial class KeyRingLoader(
    IServiceScopeFactory scopes, KeyRing ring, IOptions<AuthOptions> options, TimeProvider time, ILogger<KeyRingLoader> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        await using var transaction = await database.BeginExclusiveAsync(cancellationToken);

        var now = time.GetUtcNow();
        var keys = await database.SigningKeys.AsNoTracking()
            .Where(key => key.RetiredAt == null || key.RetiredAt > now).ToListAsync(cancellationToken);
        if (!keys.Exists(key => key.ActiveFrom <= now))
        {
            var created = SigningKey.Create(options.Value.SigningKeySecret, now);
            keys.Add(created);
            database.SigningKeys.Add(created);
            await database.SaveChangesAsync(cancellationToken);
            KeyCreated(logger, created.Id);
        }

        await transaction.CommitAsync(cancellationToken);
        ring.Load(keys);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Created signing key {KeyId}")]
    private static partial void KeyCreated(ILogger logger, string keyId);
}
