using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Tokens;

/// <summary>A key that access tokens are signed with, as the database holds it: encrypted.</summary>
internal sealed class SigningKey
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int PrefixSize = NonceSize + TagSize;

    /// <summary>The key id of tokens and JWKS: the key's RFC 7638 thumbprint.</summary>
    public required string Id { get; init; }

    /// <summary>Nonce, tag and PKCS #8 under AES-256-GCM, bound to <see cref="Id"/>.</summary>
    public required byte[] ProtectedKey { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it begins to sign; validators know it before.</summary>
    public required DateTimeOffset ActiveFrom { get; init; }

    /// <summary>When the last token that it signed has expired: from here on it is not published.</summary>
    public DateTimeOffset? RetiredAt { get; set; }

    public static SigningKey Create(string secret, DateTimeOffset now, DateTimeOffset activeFrom)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Thumbprint(key);
        var plain = key.ExportPkcs8PrivateKey();
        var sealedKey = new byte[PrefixSize + plain.Length];
        var nonce = sealedKey.AsSpan(..NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(DerivedKey.Of(secret, DerivedKey.SigningKeys), TagSize);
        aes.Encrypt(nonce, plain, sealedKey.AsSpan(PrefixSize..), sealedKey.AsSpan(NonceSize..PrefixSize), Encoding.UTF8.GetBytes(id));
        CryptographicOperations.ZeroMemory(plain);
        return new SigningKey { Id = id, ProtectedKey = sealedKey, CreatedAt = now, ActiveFrom = activeFrom };
    }

    /// <exception cref="InvalidOperationException">It was encrypted under another secret.</exception>
    public ECDsa Open(string secret)
    {
        var plain = new byte[ProtectedKey.Length - PrefixSize];
        try
        {
            using var aes = new AesGcm(DerivedKey.Of(secret, DerivedKey.SigningKeys), TagSize);
            aes.Decrypt(
                ProtectedKey.AsSpan(..NonceSize), ProtectedKey.AsSpan(PrefixSize..), ProtectedKey.AsSpan(NonceSize..PrefixSize), plain, Encoding.UTF8.GetBytes(Id));
            var key = ECDsa.Create();
            key.ImportPkcs8PrivateKey(plain, out _);
            return key;
        }
        catch (AuthenticationTagMismatchException exception)
        {
            throw new InvalidOperationException(
                $"Auth:SigningKeySecret is not the secret under which signing key '{Id}' was stored. Set the former one, or delete the rows of signing_keys to begin with a new key (everybody signs in again).", exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>https://www.rfc-editor.org/rfc/rfc7638: the required members in lexicographic order, hashed.</summary>
    private static string Thumbprint(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var canonical = $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
    }
}

internal sealed class SigningKeyConfiguration : IEntityTypeConfiguration<SigningKey>
{
    public void Configure(EntityTypeBuilder<SigningKey> builder)
    {
        builder.ToTable("signing_keys");
        builder.Property(key => key.Id).HasMaxLength(64);
    }
}
