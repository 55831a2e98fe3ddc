using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.SignIn;

/// <summary>
/// Tokens of devices with a recent login. A device that sends its token at a login is counted by itself, so wrong passwords of others
/// do not lock it out. A token replaces no password, and is good until the password changes.
/// </summary>
/// <remarks>
/// The device cookies of https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies. A token is the device's
/// id (16 bytes), the time of the login (8 bytes, milliseconds) and an HMAC-SHA256 of both and the account's security stamp (32 bytes).
/// </remarks>
internal sealed class DeviceTokens(IOptions<AuthOptions> options, TimeProvider time)
{
    private const int IdSize = 16;
    private const int PayloadSize = IdSize + sizeof(long);
    private const int TokenSize = PayloadSize + HMACSHA256.HashSizeInBytes;

    /// <summary>The current one first.</summary>
    private readonly byte[][] _keys = [.. options.Value.Secrets.All.Select(secret => DerivedKey.Of(secret, DerivedKey.DeviceTokens))];

    /// <summary>Whether the text has the form of a token. A token of that form costs a query.</summary>
    public static bool IsPossible(string token) => token.Length == Base64Url.GetEncodedLength(TokenSize);

    /// <param name="securityStamp">Of the account.</param>
    /// <param name="device">The device, if it is known already: its failures go on counting.</param>
    public string Issue(string securityStamp, Guid? device)
    {
        Span<byte> token = stackalloc byte[TokenSize];
        (device ?? Guid.CreateVersion7(time.GetUtcNow())).TryWriteBytes(token);
        BinaryPrimitives.WriteInt64BigEndian(token[IdSize..], time.GetUtcNow().ToUnixTimeMilliseconds());
        Sign(_keys[0], token[..PayloadSize], securityStamp).CopyTo(token[PayloadSize..]);
        return Base64Url.EncodeToString(token);
    }

    /// <param name="securityStamp">Of the account; null if there is none.</param>
    /// <returns>The device; null if the token is not ours, too old, of another account or older than its password.</returns>
    public Guid? Find(string token, string? securityStamp)
    {
        Span<byte> bytes = stackalloc byte[TokenSize];
        if (!IsPossible(token) || !Base64Url.TryDecodeFromChars(token, bytes, out var written) || written != TokenSize
            || securityStamp is null || !IsSigned(bytes, securityStamp))
        {
            return null;
        }

        var issued = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes[IdSize..]));
        return time.GetUtcNow() - issued <= options.Value.Throttle.DeviceLifetime ? new Guid(bytes[..IdSize]) : null;
    }

    private bool IsSigned(ReadOnlySpan<byte> token, string securityStamp)
    {
        foreach (var key in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(token[PayloadSize..], Sign(key, token[..PayloadSize], securityStamp)))
            {
                return true;
            }
        }

        return false;
    }

    private static byte[] Sign(byte[] key, ReadOnlySpan<byte> payload, string securityStamp) =>
        HMACSHA256.HashData(key, (byte[])[.. payload, .. Encoding.UTF8.GetBytes(securityStamp)]);
}
