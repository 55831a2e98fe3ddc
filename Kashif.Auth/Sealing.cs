using System.Security.Cryptography;

namespace Kashif.Auth;

/// <summary>Encrypts secrets for storage: AES-256-GCM with a key for the purpose, and the owner as associated data.</summary>
internal static class Sealing
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int PrefixSize = NonceSize + TagSize;

    /// <param name="boundTo">The associated data: decryption fails with any other.</param>
    /// <returns>Nonce, tag and ciphertext, under the current secret.</returns>
    public static byte[] Seal(RootSecrets secrets, string purpose, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> boundTo)
    {
        var result = new byte[PrefixSize + plain.Length];
        var nonce = result.AsSpan(..NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(DerivedKey.Of(secrets.Current, purpose), TagSize);
        aes.Encrypt(nonce, plain, result.AsSpan(PrefixSize..), result.AsSpan(NonceSize..PrefixSize), boundTo);
        return result;
    }

    /// <returns>The plain text, which the caller wipes.</returns>
    /// <exception cref="AuthenticationTagMismatchException">It was encrypted under none of the secrets, or for another owner.</exception>
    public static byte[] Open(RootSecrets secrets, string purpose, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> boundTo)
    {
        if (secrets.Other is { } other)
        {
            try
            {
                return Open(secrets.Current, purpose, sealedText, boundTo);
            }
            catch (AuthenticationTagMismatchException)
            {
                return Open(other, purpose, sealedText, boundTo);
            }
        }

        return Open(secrets.Current, purpose, sealedText, boundTo);
    }

    private static byte[] Open(string secret, string purpose, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> boundTo)
    {
        var plain = new byte[sealedText.Length - PrefixSize];
        using var aes = new AesGcm(DerivedKey.Of(secret, purpose), TagSize);
        aes.Decrypt(sealedText[..NonceSize], sealedText[PrefixSize..], sealedText[NonceSize..PrefixSize], plain, boundTo);
        return plain;
    }
}
