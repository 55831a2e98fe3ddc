namespace Kashif.Messaging;

/// <summary>
/// Version 7 UUIDs that sort by their time down to the microsecond, as the database stores it. <see cref="Guid.CreateVersion7()"/>
/// has milliseconds: what happens within one would be listed in random order.
/// </summary>
/// <remarks>https://www.rfc-editor.org/rfc/rfc9562#section-6.2, method 3</remarks>
public static class TimeOrderedId
{
    public static Guid Create(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(time).TryWriteBytes(bytes, bigEndian: true, out _);

        // The 12 bits after the milliseconds and the version.
        var fraction = (int)(time.UtcTicks % TimeSpan.TicksPerMillisecond * 4096 / TimeSpan.TicksPerMillisecond);
        bytes[6] = (byte)(0x70 | (fraction >> 8));
        bytes[7] = (byte)fraction;
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A bound for reading a range of time by the primary key.</summary>
    /// <returns>An id of the millisecond before; the empty id for 1970 and earlier.</returns>
    public static Guid Before(DateTimeOffset time) => time >= DateTimeOffset.UnixEpoch.AddMilliseconds(1) ? Guid.CreateVersion7(time.AddMilliseconds(-1)) : Guid.Empty;
}
