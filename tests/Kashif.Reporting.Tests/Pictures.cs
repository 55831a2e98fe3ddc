using System.Text;
using NetVips;

namespace Kashif.Reporting.Tests;

/// <summary>Images as phones and attackers make them.</summary>
internal static class Pictures
{
    /// <summary>Texts that metadata carries in these pictures; none may come through.</summary>
    public static readonly string[] Secrets = ["SecretCamera", "SecretPlace", "SecretCaption"];

    private static readonly double[] Red = [250, 20, 20];

    /// <summary>A red picture with a blue corner at the top left.</summary>
    public static Image Draw(int width, int height)
    {
        using var red = Image.Black(width, height, bands: 3).Linear([1, 1, 1], Red).Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb);
        using var blue = Image.Black(width / 2, height / 2, bands: 3).Linear([1, 1, 1], [20, 20, 250]).Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb);
        return red.Insert(blue, 0, 0);
    }

    public static byte[] Jpeg(int width = 300, int height = 200, int orientation = 1)
    {
        using var image = WithMetadata(width, height, orientation);
        return image.JpegsaveBuffer(q: 95, keep: Enums.ForeignKeep.All);
    }

    public static byte[] Png(int width = 300, int height = 200)
    {
        using var image = WithMetadata(width, height, 1);
        return image.PngsaveBuffer(keep: Enums.ForeignKeep.All);
    }

    public static byte[] WebP(int width = 300, int height = 200)
    {
        using var image = WithMetadata(width, height, 1);
        return image.WebpsaveBuffer(q: 95, keep: Enums.ForeignKeep.All);
    }

    /// <summary>Two pictures, 300 by 200 each.</summary>
    public static byte[] Animation()
    {
        using var first = Draw(300, 200);
        using var second = first.Invert();
        using var both = first.Join(second, Enums.Direction.Vertical);
        using var pages = both.Mutate(image => image.Set(GValue.GIntType, "page-height", 200));
        return pages.WebpsaveBuffer(lossless: true);
    }

    /// <summary>A few kilobytes that claim, and have, as many pixels.</summary>
    public static byte[] Bomb(int width, int height)
    {
        using var image = Image.Black(width, height);
        return image.PngsaveBuffer(compression: 9, bitdepth: 1, palette: false);
    }

    /// <summary>A colour of the picture: its blue and red, at a place in parts of its size.</summary>
    public static (bool IsBlue, bool IsRed) At(byte[] picture, double x, double y)
    {
        using var image = Image.NewFromBuffer(picture);
        var colour = image.Getpoint((int)(image.Width * x), (int)(image.Height * y));
        return (colour[2] > 150 && colour[0] < 100, colour[0] > 150 && colour[2] < 100);
    }

    public static (int Width, int Height, string[] Fields) Read(byte[] picture)
    {
        using var image = Image.NewFromBuffer(picture);
        return (image.Width, image.Height, image.GetFields());
    }

    private static Image WithMetadata(int width, int height, int orientation)
    {
        using var image = Draw(width, height);
        return image.Mutate(picture =>
        {
            picture.Set(GValue.GIntType, "orientation", orientation);
            picture.Set(GValue.GStrType, "exif-ifd0-Model", "SecretCamera");
            picture.Set(GValue.GStrType, "exif-ifd3-GPSLatitude", "33/1 30/1 36/1");
            picture.Set(GValue.GStrType, "exif-ifd3-GPSLongitude", "36/1 17/1 24/1");
            picture.Set(GValue.GStrType, "exif-ifd3-GPSAreaInformation", "SecretPlace");
            picture.Set(GValue.GStrType, "png-comment-0-Comment", "SecretCaption");
            picture.Set(GValue.BlobType, "xmp-data", Encoding.UTF8.GetBytes("<x:xmpmeta xmlns:x='adobe:ns:meta/'>SecretCaption</x:xmpmeta>"));
            picture.Set(GValue.BlobType, "iptc-data", Encoding.UTF8.GetBytes("Photoshop 3.0\0SecretCaption"));
        });
    }
}
