using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Coupons.Codes;

/// <summary>
/// Signs codes, so that a till without a connection can check them with the published keys. The private key is encrypted under the
/// client secret of Coupons. A process that cannot decrypt any key, because the secret was changed, creates a new one; the public
/// halves of the others stay published.
/// </summary>
internal sealed class CodeSigner(IServiceScopeFactory scopes, IOptions<ServiceClientOptions> options, TimeProvider time)
{
    private const string Purpose = "kashif coupon signing keys v1";
    private const string TokenType = "coupon+jwt";
    private const string RedemptionId = "redemption_id";
    private const string Code = "code";
    private static readonly JsonWebTokenHandler Handler = new();
    private volatile TokenSigner? _signer;

    /// <returns>A compact JWS (RFC 7515) with ES256.</returns>
    public async Task<string> SignAsync(Guid redemptionId, string code, Coupon coupon, DateTimeOffset? expiresAt, CancellationToken cancellationToken) =>
        (await SignerAsync(cancellationToken)).Sign(new SecurityTokenDescriptor
        {
            TokenType = TokenType,
            Claims = new Dictionary<string, object>
            {
                [RedemptionId] = redemptionId.ToString(),
                [Code] = code,
                ["coupon_id"] = coupon.Id,
                ["company_id"] = coupon.CompanyId,
            },
            Expires = expiresAt?.UtcDateTime,
        });

    /// <returns>The redemption and its code; null if no published key has signed it. Does not compare the expiry: the database has it too.</returns>
    public async Task<(Guid RedemptionId, string Code)?> VerifyAsync(string signed, CancellationToken cancellationToken)
    {
        var keys = new JsonWebKeySet(JsonSerializer.Serialize(await PublishedAsync(cancellationToken), CouponsJson.Default.JwksResponse));
        var result = await Handler.ValidateTokenAsync(signed, new TokenValidationParameters
        {
            IssuerSigningKeys = keys.GetSigningKeys(),
            ValidTypes = [TokenType],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidateIssuer = false,
            ValidateAudience = false,
            ValidateLifetime = false,
        });
        return result.IsValid && result.SecurityToken is JsonWebToken token
            ? (Guid.Parse(token.GetPayloadValue<string>(RedemptionId), CultureInfo.InvariantCulture), token.GetPayloadValue<string>(Code))
            : null;
    }

    public async Task<JwksResponse> PublishedAsync(CancellationToken cancellationToken)
    {
        await SignerAsync(cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        var stored = await scope.ServiceProvider.GetRequiredService<CouponsDbContext>().CodeSigningKeys.AsNoTracking()
            .OrderByDescending(key => key.CreatedAt).ToListAsync(cancellationToken);
        return new JwksResponse(stored.ConvertAll(Publish));
    }

    private async ValueTask<TokenSigner> SignerAsync(CancellationToken cancellationToken) => _signer ??= await LoadAsync(cancellationToken);

    /// <summary>The newest key that this process can decrypt, or a new one. Replicas wait for each other.</summary>
    private async Task<TokenSigner> LoadAsync(CancellationToken cancellationToken)
    {
        var secret = Sealing.DeriveKey(options.Value.ClientSecret, Purpose);
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<CouponsDbContext>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({Purpose}, 0))", cancellationToken);
        foreach (var key in await database.CodeSigningKeys.AsNoTracking().OrderByDescending(key => key.CreatedAt).ToListAsync(cancellationToken))
        {
            if (Open(key.Id, key.ProtectedKey, secret) is { } signer)
            {
                return signer;
            }
        }

        var created = SealedSigningKey.Create((plain, id) => Sealing.Seal(secret, plain, id));
        database.Add(new CodeSigningKey { Id = created.Id, ProtectedKey = created.ProtectedKey, PublicKey = created.PublicKey, CreatedAt = time.GetUtcNow() });
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return Open(created.Id, created.ProtectedKey, secret) ?? throw new InvalidOperationException("The new key cannot be decrypted.");
    }

    private static TokenSigner? Open(string id, byte[] protectedKey, byte[] secret)
    {
        try
        {
            return new TokenSigner(id, SealedSigningKey.Import(Sealing.Open(secret, protectedKey, Encoding.UTF8.GetBytes(id))));
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static JwksKey Publish(CodeSigningKey stored)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(stored.PublicKey, out _);
        return JwksKey.Of(stored.Id, key);
    }
}
