using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Kashif.Reporting.Photos;

/// <summary>
/// Finds a second file in a photo: one that stands behind the image, or one that other programs find in the middle, such as a ZIP archive. The service keeps
/// only the pixels. It refuses the file because cameras do not make files of two types.
/// <para>
/// What phones append to a JPEG is allowed, and is dropped with the metadata: the video of a motion photo, further pictures of the same photo that it declares
/// (a gain map), and data of their makers that are no file.
/// </para>
/// </summary>
internal static class SecondFile
{
    /// <summary>What other programs find anywhere in a file. Long enough to be in no photo by chance.</summary>
    private static readonly byte[][] Anywhere = ["%PDF-1."u8.ToArray(), "%PDF-2."u8.ToArray(), [.. "Rar!"u8, 0x1a, 0x07], [.. "7z"u8, 0xbc, 0xaf, 0x27, 0x1c]];

    /// <summary>Each with the character that ends its name. No shorter names: they would be in a photo by chance.</summary>
    private static readonly SearchValues<string> Tags = SearchValues.Create(
        [.. from name in (string[])["!doctype html", "html", "body", "script", "iframe", "svg xmlns", "?php"] from end in " >=:\t\r\n" select $"<{name}{end}"],
        StringComparison.OrdinalIgnoreCase);

    /// <summary>How files begin: behind an image, another file.</summary>
    private static readonly byte[][] Beginnings =
    [
        [0xff, 0xd8, 0xff], [0x89, .. "PNG"u8], "GIF8"u8.ToArray(), "RIFF"u8.ToArray(), "BM"u8.ToArray(), [.. "II*"u8, 0], [.. "MM"u8, 0, .. "*"u8], "8BPS"u8.ToArray(),
        "PK"u8.ToArray(), [0x1f, 0x8b], "BZh"u8.ToArray(), [0xfd, .. "7zXZ"u8], [0x28, 0xb5, 0x2f, 0xfd], "MSCF"u8.ToArray(), "%PDF"u8.ToArray(), "%!PS"u8.ToArray(), [0xd0, 0xcf, 0x11, 0xe0],
        [0x7f, .. "ELF"u8], "MZ"u8.ToArray(), [0xca, 0xfe, 0xba, 0xbe], [0xfe, 0xed, 0xfa], [0xce, 0xfa, 0xed, 0xfe], [0xcf, 0xfa, 0xed, 0xfe], [0, .. "asm"u8], "dex\n"u8.ToArray(), "#!"u8.ToArray(), "!<arch>"u8.ToArray(),
        "OggS"u8.ToArray(), "ID3"u8.ToArray(), "fLaC"u8.ToArray(), [0x1a, 0x45, 0xdf, 0xa3], "FLV"u8.ToArray(), "FWS"u8.ToArray(), "CWS"u8.ToArray(), "SQLite format 3"u8.ToArray(), "wOFF"u8.ToArray(), "OTTO"u8.ToArray(),
    ];

    /// <summary>The longest text that a camera writes behind a video, such as <c>v3_f31_c … 0:0 … LIVE_3254123</c> of OpenHarmony: three fields of 20 bytes.</summary>
    private const int TrailerMax = 64;

    private static ReadOnlySpan<byte> ArchiveEnd => "PK\u0005\u0006"u8;

    private static ReadOnlySpan<byte> ArchiveDirectory => "PK\u0001\u0002"u8;

    private static ReadOnlySpan<byte> Archive64Locator => "PK\u0006\u0007"u8;

    public static bool IsIn(ReadOnlySpan<byte> photo, PhotoFormat format) => IsInside(photo) || format switch
    {
        PhotoFormat.Jpeg => IsBehindJpeg(photo),
        PhotoFormat.Png => IsContent(photo[EndOfPng(photo)..]),
        PhotoFormat.WebP => IsContent(photo[EndOfWebP(photo)..]),
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>Whether another program finds its own kind of file, wherever the image ends.</summary>
    private static bool IsInside(ReadOnlySpan<byte> photo)
    {
        foreach (var mark in Anywhere)
        {
            if (photo.IndexOf(mark) >= 0)
            {
                return true;
            }
        }

        return HasAt(photo, 4, "ftyp"u8) || HasAt(photo, 257, "ustar"u8) || HasAt(photo, 32_769, "CD001"u8) || HasArchiveEnd(photo) || HasTag(photo);
    }

    /// <summary>
    /// The end of a central directory, by which a ZIP archive is found. Readers ignore some of its numbers, each its own: one sign is enough. Its four bytes alone are none:
    /// compressed data may have them by chance.
    /// </summary>
    private static bool HasArchiveEnd(ReadOnlySpan<byte> photo)
    {
        const int Length = 22;
        const int LocatorLength = 20;
        for (var rest = photo; rest.IndexOf(ArchiveEnd) is >= 0 and var at && at + Length <= rest.Length; rest = rest[(at + 1)..])
        {
            var end = rest[at..];
            var position = photo.Length - end.Length;
            var (size, start) = (BinaryPrimitives.ReadUInt32LittleEndian(end[12..]), BinaryPrimitives.ReadUInt32LittleEndian(end[16..]));
            var isOnOneDisk = BinaryPrimitives.ReadUInt32LittleEndian(end[4..]) == 0
                && BinaryPrimitives.ReadUInt16LittleEndian(end[8..]) == BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
            if ((isOnOneDisk && size <= position)
                || HasAt(photo, position - size, ArchiveDirectory) || HasAt(photo, start, ArchiveDirectory)
                || HasAt(photo, position - LocatorLength, Archive64Locator)
                || BinaryPrimitives.ReadUInt16LittleEndian(end[20..]) == end.Length - Length)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Piece by piece, as characters: only strings have a search for many values at once.</summary>
    private static bool HasTag(ReadOnlySpan<byte> photo)
    {
        const int Overlap = 16; // longer than a tag
        Span<char> text = stackalloc char[4096];
        for (var at = 0; at < photo.Length; at += text.Length - Overlap)
        {
            var length = Encoding.Latin1.GetChars(photo.Slice(at, Math.Min(text.Length, photo.Length - at)), text);
            if (text[..length].ContainsAny(Tags))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsBehindJpeg(ReadOnlySpan<byte> photo)
    {
        var (end, hasPictures) = EndOfJpeg(photo);
        var rest = photo[end..];
        var isBehindVideo = false;
        while (true)
        {
            var content = rest.TrimStart((byte)0); // padding, or the upper bytes of a video's first length
            var start = rest.Length - content.Length + content[..Math.Min(content.Length, 8)].IndexOf("ftyp"u8) - 4;
            if (hasPictures && PhotoFormats.Of(content) is PhotoFormat.Jpeg)
            {
                rest = content[EndOfJpeg(content).End..];
                isBehindVideo = false;
            }
            else if (start >= 0 && HasAt(rest, start + 4, "ftyp"u8) && LengthOfVideo(rest[start..]) is > 0 and var length)
            {
                rest = rest[(start + length)..];
                isBehindVideo = true;
            }
            else
            {
                return IsFile(content) && !(isBehindVideo && IsTrailer(content));
            }
        }
    }

    /// <summary>The position behind the image's end; of an image without an end, that of the file. And whether it declares more pictures of the same photo.</summary>
    private static (int End, bool HasPictures) EndOfJpeg(ReadOnlySpan<byte> photo)
    {
        var hasPictures = false;
        for (var at = 2; at + 1 < photo.Length;)
        {
            // Like libjpeg: anything before the next marker is skipped, so is the entropy-coded data, where a byte 0xff is followed by a zero.
            if (photo[at] != 0xff || photo[at + 1] is 0x00 or 0xff)
            {
                var next = photo[(at + 1)..].IndexOf((byte)0xff);
                at = next < 0 ? photo.Length : at + 1 + next;
                continue;
            }

            var marker = photo[at + 1];
            at += 2;
            if (marker == 0xd9)
            {
                return (at, hasPictures);
            }

            if (marker is 0x01 or (>= 0xd0 and <= 0xd8))
            {
                continue;
            }

            if (at + 2 > photo.Length)
            {
                break;
            }

            var length = Math.Max((int)BinaryPrimitives.ReadUInt16BigEndian(photo[at..]), 2);
            hasPictures |= DeclaresPictures(marker, photo[(at + 2)..Math.Max(at + 2, Math.Min(at + length, photo.Length))]);
            at += length;
        }

        return (photo.Length, hasPictures);
    }

    /// <summary>As CIPA's Multi-Picture Format; or as XMP of Google's camera, whose directory lists the types of the image and of each part behind it.</summary>
    private static bool DeclaresPictures(byte marker, ReadOnlySpan<byte> segment) => marker switch
    {
        0xe1 => segment.StartsWith("http://ns.adobe.com/xap/1.0/\0"u8)
            && (segment.IndexOf("http://ns.google.com/photos/1.0/container/"u8) >= 0 || segment.IndexOf("http://ns.google.com/photos/dd/1.0/container/"u8) >= 0)
            && segment.Count("image/jpeg"u8) > 1,
        0xe2 => segment.StartsWith("MPF\0"u8),
        _ => false,
    };

    /// <summary>The length of a video of MPEG-4 or QuickTime: boxes with a length and a name.</summary>
    private static int LengthOfVideo(ReadOnlySpan<byte> video)
    {
        var at = 0;
        while (at + 8 <= video.Length && IsName(video.Slice(at + 4, 4)))
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(video[at..]);
            length = length switch
            {
                0 => video.Length - at, // to the end of the file
                1 when at + 16 <= video.Length => (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(video[(at + 8)..]), long.MaxValue),
                _ => length,
            };
            if (length < 8 || length > video.Length - at)
            {
                break;
            }

            at += (int)length;
        }

        return at;
    }

    /// <summary>The position behind the last chunk. A chunk that is cut off is the decoder's matter.</summary>
    private static int EndOfPng(ReadOnlySpan<byte> photo)
    {
        var at = 8;
        while (at + 12 <= photo.Length && IsName(photo.Slice(at + 4, 4)))
        {
            var (length, isLast) = (BinaryPrimitives.ReadUInt32BigEndian(photo[at..]), photo.Slice(at + 4, 4).SequenceEqual("IEND"u8));
            if (length > photo.Length - at - 12)
            {
                return photo.Length;
            }

            at += (int)length + 12;
            if (isLast)
            {
                break;
            }
        }

        return at;
    }

    private static int EndOfWebP(ReadOnlySpan<byte> photo) => (int)Math.Min(photo.Length, 8L + BinaryPrimitives.ReadUInt32LittleEndian(photo[4..]) + (photo[4] & 1));

    private static bool IsName(ReadOnlySpan<byte> name) => !name.ContainsAnyExceptInRange((byte)' ', (byte)'z');

    private static bool HasAt(ReadOnlySpan<byte> file, long position, ReadOnlySpan<byte> mark) =>
        position >= 0 && position < file.Length && file[(int)position..].StartsWith(mark);

    /// <summary>Whether there is more than padding.</summary>
    private static bool IsContent(ReadOnlySpan<byte> rest) => rest.ContainsAnyExcept("\0\r\n "u8);

    /// <summary>A short text that is no page and no script for a shell.</summary>
    private static bool IsTrailer(ReadOnlySpan<byte> text) =>
        text.Length <= TrailerMax && !text.ContainsAnyExceptInRange((byte)' ', (byte)'~') && !text.Contains((byte)'<') && text.IndexOf("#!"u8) < 0 && !HasBeginning(text);

    /// <summary>Whether what stands behind a JPEG is a file: by how it begins, or because all of it is text.</summary>
    private static bool IsFile(ReadOnlySpan<byte> rest) =>
        HasBeginning(rest) || (IsContent(rest) && Utf8.IsValid(rest) && !rest.ContainsAnyInRange((byte)0, (byte)8));

    private static bool HasBeginning(ReadOnlySpan<byte> rest)
    {
        foreach (var beginning in Beginnings)
        {
            if (rest.StartsWith(beginning))
            {
                return true;
            }
        }

        return false;
    }
}
