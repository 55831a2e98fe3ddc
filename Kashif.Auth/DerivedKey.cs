using System.Security.Cryptography;
using System.Text;

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

    private const int Size = 32;

    public static byte[] Of(string secret, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), Size, info: Encoding.UTF8.GetBytes(purpose));
}

/// <summary>The configured secrets. The current one encrypts, both decrypt, so that the secret can be changed.</summary>
internal sealed record RootSecrets(string Current, string? Other = null)
{
    public const int IdLength = 8;

    /// <summary>The current one first.</summary>
    public IReadOnlyList<string> All => Other is null ? [Current] : [Current, Other];

    /// <summary>Stored with what the current secret encrypted. Reveals nothing about it.</summary>
    public string CurrentId => Convert.ToHexStringLower(DerivedKey.Of(Current, DerivedKey.SecretId))[..IdLength];
}
