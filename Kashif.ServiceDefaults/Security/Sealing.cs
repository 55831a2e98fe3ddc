using System.Security.Cryptography;
using System.Text;

namespace Kashif.Security;

/// <summary>Encrypts secrets for storage: AES-256-GCM with a key for the purpose, and the owner as associated data.</summary>
public static class Sealing
{
    private const int KeySize = 32;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int PrefixSize = NonceSize + TagSize;

    /// <summary>Derives a key for a purpose from a configured secret (HKDF, RFC 5869).</summary>
    public static byte[] DeriveKey(string secret, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), KeySize, info: Encoding.UTF8.GetBytes(purpose));

    /// <param name="boundTo">The associated data: decryption fails with any other.</param>
    /// <returns>Nonce, tag and ciphertext.</returns>
    public static byte[] Seal(byte[] key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> boundTo)
    {
        var result = new byte[PrefixSize + plain.Length];
        var nonce = result.AsSpan(..NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(nonce, plain, result.AsSpan(PrefixSize..), result.AsSpan(NonceSize..PrefixSize), boundTo);
        return result;
    }

    /// <returns>The plain text, which the caller wipes.</returns>
    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under another key, or for another owner.</exception>
    public static byte[] Open(byte[] key, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> boundTo)
    {
        var plain = new byte[sealedText.Length - PrefixSize];
        using var aes = new AesGcm(key, TagSize);
        aes.Decrypt(sealedText[..NonceSize], sealedText[PrefixSize..], sealedText[NonceSize..PrefixSize], plain, boundTo);
        return plain;
    }
}
