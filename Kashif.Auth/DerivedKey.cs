using System.Security.Cryptography;
using Kashif.Security;

namespace Kashif.Auth;

/// <summary>Derives a key for each purpose from one configured secret (HKDF, RFC 5869).</summary>
internal static class DerivedKey
{
    public const string SigningKeys = "kashif signing keys v1";
    public const string Fingerprints = "kashif idempotency fingerprints v1";
    public const string TotpSecrets = "kashif totp secrets v1";
    public const string RecoveryCodes = "kashif recovery codes v1";
    public const string LoginThrottle = "kashif login throttle v1";
    public const string DeviceTokens = "kashif device tokens v1";
    public const string RefreshTokens = "kashif refresh tokens v1";

    /// <summary>Not a key: tells rows of one secret from those of another.</summary>
    public const string SecretId = "kashif secret id v1";

    public static byte[] Of(string secret, string purpose) => Sealing.DeriveKey(secret, purpose);
}

/// <summary>The configured secrets. The current one encrypts, both decrypt, so that the secret can be changed.</summary>
internal sealed record RootSecrets(string Current, string? Other = null)
{
    public const int IdLength = 8;

    /// <summary>The current one first.</summary>
    public IReadOnlyList<string> All => Other is null ? [Current] : [Current, Other];

    /// <summary>Stored with what the current secret encrypted. Reveals nothing about it.</summary>
    public string CurrentId => Convert.ToHexStringLower(DerivedKey.Of(Current, DerivedKey.SecretId))[..IdLength];

    /// <summary>Encrypts under the current secret.</summary>
    /// <inheritdoc cref="Sealing.Seal" path="/param | /returns"/>
    public byte[] Seal(string purpose, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> boundTo) => Sealing.Seal(DerivedKey.Of(Current, purpose), plain, boundTo);

    /// <returns>The plain text, which the caller wipes.</returns>
    /// <exception cref="AuthenticationTagMismatchException">No secret decrypts it, or it belongs to another owner.</exception>
    public byte[] Open(string purpose, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> boundTo)
    {
        if (Other is not null)
        {
            try
            {
                return Sealing.Open(DerivedKey.Of(Current, purpose), sealedText, boundTo);
            }
            catch (AuthenticationTagMismatchException)
            {
                return Sealing.Open(DerivedKey.Of(Other, purpose), sealedText, boundTo);
            }
        }

        return Sealing.Open(DerivedKey.Of(Current, purpose), sealedText, boundTo);
    }
}
