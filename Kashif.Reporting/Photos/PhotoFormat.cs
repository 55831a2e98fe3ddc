namespace Kashif.Reporting.Photos;

/// <summary>The formats of photos.</summary>
internal enum PhotoFormat : byte
{
    Jpeg = 1,
    Png = 2,
    WebP = 3,
}

internal static class PhotoFormats
{
    private static ReadOnlySpan<byte> JpegStart => [0xff, 0xd8, 0xff];

    private static ReadOnlySpan<byte> PngStart => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1a, (byte)'\n'];

    /// <summary>By the first bytes, never by a name or a header.</summary>
    /// <returns>Null for anything else.</returns>
    public static PhotoFormat? Of(ReadOnlySpan<byte> content) =>
        content.StartsWith(JpegStart) ? PhotoFormat.Jpeg
        : content.StartsWith(PngStart) ? PhotoFormat.Png
        : content.Length >= 12 && content.StartsWith("RIFF"u8) && content[8..].StartsWith("WEBP"u8) ? PhotoFormat.WebP
        : null;

    public static string ContentType(this PhotoFormat format) => format switch
    {
        PhotoFormat.Jpeg => "image/jpeg",
        PhotoFormat.Png => "image/png",
        PhotoFormat.WebP => "image/webp",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>For the name of a downloaded file.</summary>
    public static string Extension(this PhotoFormat format) => format switch
    {
        PhotoFormat.Jpeg => "jpg",
        PhotoFormat.Png => "png",
        PhotoFormat.WebP => "webp",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };
}
