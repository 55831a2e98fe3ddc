using System.Security.Cryptography;

namespace Kashif.Notifications.Dispatch;

/// <summary>Ids of causes that are not an event alone, such as an alert that an event fires, or a broadcast to one of its users.</summary>
internal static class CauseId
{
    /// <returns>The same id for the same two ids: a version 8 UUID (RFC 9562 section 5.8) of their SHA-256.</returns>
    public static Guid Of(Guid cause, Guid part)
    {
        Span<byte> bytes = stackalloc byte[32];
        cause.TryWriteBytes(bytes, bigEndian: true, out _);
        part.TryWriteBytes(bytes[16..], bigEndian: true, out _);
        SHA256.HashData(bytes, bytes);
        bytes[6] = (byte)(0x80 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes[..16], bigEndian: true);
    }
}
