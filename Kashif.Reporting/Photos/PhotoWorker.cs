using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using NetVips;

namespace Kashif.Reporting.Photos;

/// <summary>
/// Decodes one photo in a process of its own, which <see cref="PhotoProcessor"/> starts: the service's program with the one argument
/// <see cref="Command"/>. It reads the photo from its input, writes the result to its output, and ends. The image is encoded again from
/// its pixels, so that nothing else of the upload comes through: no metadata, no second file behind or inside it.
/// </summary>
/// <remarks>
/// First it writes <see cref="Ready"/>. The result: a byte, a <see cref="PhotoVerdict"/>. If it is <see cref="PhotoVerdict.Fine"/>, also a byte, a <see cref="PhotoFormat"/>, five
/// numbers of four bytes, little-endian (width, height, and the lengths of the original, the medium and the thumbnail), and these three.
/// </remarks>
internal static class PhotoWorker
{
    public const string Command = "process-photo";

    /// <summary>The longest side of the sizes, in pixels.</summary>
    public const int Medium = 1024;
    public const int Thumb = 256;

    /// <summary>The first byte of the output, before the input is read.</summary>
    public const byte Ready = (byte)'R';

    public const int HeaderLength = 22;

    /// <summary>Of a photo, in pixels: 100 MB of colours.</summary>
    private const int MaxPixels = 50_000_000;

    /// <summary>Of one side, in pixels. WebP has at most 16383, JPEG 65535.</summary>
    private const int MaxSide = 30_000;

    private const int Quality = 90;

    /// <summary>The file as it was uploaded may be this much, so the result may be, too.</summary>
    private const int MaxResult = PhotoUploads.MaxBytes;

    /// <summary>A red pixel.</summary>
    private static readonly byte[] Sample = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==");

    private static readonly double[] White = [255, 255, 255];

    /// <returns>The exit code.</returns>
    public static int Run()
    {
        using var input = Standard(0, FileAccess.Read);
        using var output = Standard(1, FileAccess.Write);
        NetVips.Cache.Max = 0; // a process decodes one photo, so no operation repeats

        // Loads and compiles everything first: inside the sandbox no file can be opened any more.
        if (Process(Sample).Verdict is not PhotoVerdict.Fine || Process(Sample[..^20]).Verdict is not PhotoVerdict.Damaged)
        {
            Console.Error.WriteLine("The image library does not work.");
            return 1;
        }

        output.WriteByte(Ready);
        Sandbox.Enter();
        using var photo = new MemoryStream();
        input.CopyTo(photo);
        if (photo.Length > 0) // nothing: the service has ended
        {
            Write(output, Process(photo.ToArray()));
        }

        return 0;
    }

    /// <remarks>The console's streams load more later.</remarks>
    private static FileStream Standard(int handle, FileAccess access) => new(new SafeFileHandle(handle, ownsHandle: false), access, bufferSize: 0);

    private static Result Process(byte[] photo)
    {
        if (PhotoFormats.Of(photo) is not { } format)
        {
            return new Result(PhotoVerdict.OtherFormat);
        }

        try
        {
            using var image = Open(photo, format, isUpright: true);
            if ((long)image.Width * image.Height > MaxPixels || image.Width > MaxSide || image.Height > MaxSide)
            {
                return new Result(PhotoVerdict.TooManyPixels);
            }

            // Turning needs all pixels at once. Without it they come line by line.
            using var turned = Orientation(image) == 1 ? null : Turn(photo, format);
            using var plain = InStandardColours(turned ?? image);
            var (original, kept) = Encode(plain, format);
            using var large = Image.ThumbnailBuffer(original, Medium, height: Medium, size: Enums.Size.Down, noRotate: true);
            using var medium = Flat(large);
            var mediumBytes = Jpeg(medium, 80);
            using var small = Image.ThumbnailBuffer(mediumBytes, Thumb, height: Thumb, size: Enums.Size.Down, noRotate: true);
            return new Result(PhotoVerdict.Fine, kept, plain.Width, plain.Height, original, mediumBytes, Jpeg(small, 80));
        }
        catch (VipsException)
        {
            return new Result(PhotoVerdict.Damaged);
        }
    }

    /// <summary>Opens the first picture of an animation.</summary>
    private static Image Open(byte[] photo, PhotoFormat format, bool isUpright)
    {
        var access = isUpright ? Enums.Access.Sequential : Enums.Access.Random;
        return format switch
        {
            PhotoFormat.Jpeg => Image.JpegloadBuffer(photo, access: access, failOn: Enums.FailOn.Error),
            PhotoFormat.Png => Image.PngloadBuffer(photo, access: access, failOn: Enums.FailOn.Error),
            PhotoFormat.WebP => Image.WebploadBuffer(photo, access: access, failOn: Enums.FailOn.Error),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };
    }

    /// <returns>1 to 8, as Exif has it; 1 is upright.</returns>
    private static int Orientation(Image image) =>
        image.Contains("orientation") && image.Get("orientation") is int orientation and >= 1 and <= 8 ? orientation : 1;

    private static Image Turn(byte[] photo, PhotoFormat format)
    {
        using var image = Open(photo, format, isUpright: false);
        return image.Autorot();
    }

    /// <summary>Converts the pixels to sRGB in eight bits. The photo then needs no colour profile.</summary>
    private static Image InStandardColours(Image image) =>
        image.Contains("icc-profile-data") ? image.IccTransform("srgb", embedded: true, intent: Enums.Intent.Perceptual, inputProfile: image.Interpretation is Enums.Interpretation.Cmyk ? "cmyk" : "srgb")
        : image.Interpretation is Enums.Interpretation.Srgb && image.Format is Enums.BandFormat.Uchar ? image.Copy()
        : image.Colourspace(Enums.Interpretation.Srgb);

    /// <returns>The photo in its format, or as JPEG if it would be too long.</returns>
    private static (byte[] Bytes, PhotoFormat Format) Encode(Image image, PhotoFormat format)
    {
        var bytes = format switch
        {
            PhotoFormat.Jpeg => Jpeg(image, Quality),
            PhotoFormat.Png => image.PngsaveBuffer(keep: Enums.ForeignKeep.None),
            PhotoFormat.WebP => image.WebpsaveBuffer(q: Quality, effort: 2, keep: Enums.ForeignKeep.None),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };
        if (bytes.Length <= MaxResult)
        {
            return (bytes, format);
        }

        using var decoded = Open(bytes, format, isUpright: true);
        using var flat = Flat(decoded);
        using var pixels = flat.CopyMemory(); // several attempts read them
        foreach (var quality in (ReadOnlySpan<int>)[80, 60, 40])
        {
            if (Jpeg(pixels, quality) is { Length: <= MaxResult } shorter)
            {
                return (shorter, PhotoFormat.Jpeg);
            }
        }

        throw new VipsException("The photo cannot be made short enough.");
    }

    private static byte[] Jpeg(Image image, int quality) => image.JpegsaveBuffer(q: quality, keep: Enums.ForeignKeep.None);

    /// <summary>JPEG knows no transparency.</summary>
    private static Image Flat(Image image) => image.HasAlpha() ? image.Flatten(background: White) : image.Copy();

    private static void Write(Stream output, Result result)
    {
        if (result is not { Verdict: PhotoVerdict.Fine, Original: { } original, Medium: { } medium, Thumb: { } thumb })
        {
            output.WriteByte((byte)result.Verdict);
            return;
        }

        Span<byte> header = stackalloc byte[HeaderLength];
        (header[0], header[1]) = ((byte)result.Verdict, (byte)result.Format);
        var numbers = header[2..];
        foreach (var number in (ReadOnlySpan<int>)[result.Width, result.Height, original.Length, medium.Length, thumb.Length])
        {
            BinaryPrimitives.WriteInt32LittleEndian(numbers, number);
            numbers = numbers[sizeof(int)..];
        }

        output.Write(header);
        output.Write(original);
        output.Write(medium);
        output.Write(thumb);
    }

    private sealed record Result(
        PhotoVerdict Verdict, PhotoFormat Format = 0, int Width = 0, int Height = 0, byte[]? Original = null, byte[]? Medium = null, byte[]? Thumb = null);
}

/// <summary>What became of a photo.</summary>
internal enum PhotoVerdict : byte
{
    Fine,
    OtherFormat,
    TooManyPixels,
    Damaged,
    TwoFiles,
}
