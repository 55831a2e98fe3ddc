using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Kashif.Cli.Demo;

/// <summary>Draws the photos of the demo, so that it needs no files of others: a street, and in it what is reported, as a PNG.</summary>
internal sealed class DemoPicture
{
    private const int Width = 640;
    private const int Height = 480;
    private const int Horizon = 190;

    private readonly byte[] _pixels = new byte[Width * Height * 3];

    /// <param name="category">What to draw; a street alone for a category without a drawing.</param>
    public static byte[] Draw(string category, Random random)
    {
        var picture = new DemoPicture();
        picture.DrawStreet(random);
        picture.DrawProblem(category, random);
        picture.AddGrain(random);
        return picture.ToPng();
    }

    private void DrawStreet(Random random)
    {
        var evening = random.Next(3) == 0;
        for (var y = 0; y < Height; y++)
        {
            var fade = y / (double)Horizon;
            var colour = y >= Horizon ? (118, 112, 104) : evening ? Mix((60, 58, 110), (230, 150, 110), fade) : Mix((120, 170, 220), (215, 228, 238), fade);
            Fill(0, y, Width, y + 1, colour);
        }

        for (var x = 0; x < Width;)
        {
            var (width, height) = (random.Next(50, 110), random.Next(60, 165));
            var wall = random.Next(150, 225);
            Fill(x, Horizon - height, x + width - 3, Horizon + 12, (wall, wall - 12, wall - 35));
            for (var window = x + 9; window < x + width - 16; window += 22)
            {
                for (var y = Horizon - height + 10; y < Horizon - 18; y += 26)
                {
                    Fill(window, y, window + 10, y + 14, evening && random.Next(2) == 0 ? (250, 220, 130) : (70, 80, 95));
                }
            }

            x += width;
        }

        for (var y = Horizon + 12; y < Height; y++)
        {
            var half = 60 + ((y - Horizon) * 1.15);
            Fill((int)((Width / 2) - half), y, (int)((Width / 2) + half), y + 1, (72 + (y / 20), 72 + (y / 20), 76 + (y / 20)));
            if ((y - Horizon) % 60 < 26)
            {
                var line = 1 + ((y - Horizon) / 70);
                Fill((Width / 2) - line, y, (Width / 2) + line, y + 1, (225, 225, 215));
            }
        }
    }

    private void DrawProblem(string category, Random random)
    {
        var (x, y) = (random.Next(240, 400), random.Next(300, 390));
        switch (category)
        {
            case "pothole" or "road_damage" or "sidewalk":
                Ellipse(x, y, 92, 36, (58, 54, 52));
                Ellipse(x + 4, y + 5, 76, 27, (34, 31, 30));
                if (random.Next(2) == 0)
                {
                    Ellipse(x + 8, y + 10, 52, 15, (96, 118, 140)); // water
                }

                break;
            case "garbage" or "graffiti" or "park":
                foreach (var _ in Enumerable.Range(0, random.Next(4, 9)))
                {
                    var shade = random.Next(25, 70);
                    Ellipse(x - 110 + random.Next(200), y + random.Next(-20, 45), random.Next(22, 42), random.Next(18, 32), (shade, shade + random.Next(30), shade));
                }

                Fill(x + 80, y - 90, x + 150, y + 25, (40, 95, 60));
                Fill(x + 74, y - 100, x + 156, y - 86, (32, 76, 48));
                break;
            case "water_leak" or "sewage":
                var tint = category == "sewage" ? (92, 88, 62) : (110, 150, 180);
                Ellipse(x, y + 20, 150, 44, tint);
                Ellipse(x - 60, y + 55, 120, 34, tint);
                Ellipse(x, y, 26, 12, (60, 60, 60));
                break;
            case "street_light" or "traffic_signal" or "road_sign":
                Fill(x - 4, 70, x + 5, y, (58, 60, 66));
                if (category == "street_light")
                {
                    Fill(x, 70, x + 70, 78, (58, 60, 66));
                    Ellipse(x + 70, 82, 22, 10, (88, 90, 96)); // dark
                }
                else
                {
                    Fill(x - 20, 70, x + 21, 170, (30, 30, 32));
                    Ellipse(x, 88, 13, 13, category == "road_sign" ? (150, 150, 150) : (210, 40, 36));
                    Ellipse(x, 120, 13, 13, (70, 66, 30));
                    Ellipse(x, 152, 13, 13, (34, 66, 40));
                }

                break;
            default:
                Fill(x - 90, y - 30, x + 90, y + 20, (120, 52, 44)); // a car
                Fill(x - 55, y - 62, x + 50, y - 28, (104, 46, 40));
                Ellipse(x - 55, y + 22, 20, 20, (22, 22, 22));
                Ellipse(x + 55, y + 22, 20, 20, (22, 22, 22));
                break;
        }
    }

    private void AddGrain(Random random)
    {
        for (var pixel = 0; pixel < _pixels.Length; pixel += 3)
        {
            var noise = random.Next(-1, 2);
            for (var channel = 0; channel < 3; channel++)
            {
                _pixels[pixel + channel] = (byte)Math.Clamp(_pixels[pixel + channel] + noise, 0, 255);
            }
        }
    }

    private void Ellipse(int centreX, int centreY, int radiusX, int radiusY, (int Red, int Green, int Blue) colour)
    {
        for (var y = -radiusY; y <= radiusY; y++)
        {
            var half = (int)(radiusX * Math.Sqrt(1 - (y * y / (double)(radiusY * radiusY))));
            Fill(centreX - half, centreY + y, centreX + half + 1, centreY + y + 1, colour);
        }
    }

    private void Fill(int left, int top, int right, int bottom, (int Red, int Green, int Blue) colour)
    {
        for (var y = Math.Max(0, top); y < Math.Min(Height, bottom); y++)
        {
            for (var x = Math.Max(0, left); x < Math.Min(Width, right); x++)
            {
                var pixel = ((y * Width) + x) * 3;
                (_pixels[pixel], _pixels[pixel + 1], _pixels[pixel + 2]) = ((byte)colour.Red, (byte)colour.Green, (byte)colour.Blue);
            }
        }
    }

    private static (int Red, int Green, int Blue) Mix((int Red, int Green, int Blue) from, (int Red, int Green, int Blue) to, double part) =>
        ((int)(from.Red + ((to.Red - from.Red) * part)), (int)(from.Green + ((to.Green - from.Green) * part)), (int)(from.Blue + ((to.Blue - from.Blue) * part)));

    /// <remarks>https://www.w3.org/TR/png-3/#5DataRep</remarks>
    private byte[] ToPng()
    {
        using var file = new MemoryStream();
        file.Write([0x89, .. "PNG\r\n\x1a\n"u8]);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], Height);
        (header[8], header[9]) = (8, 2); // 8 bits each of red, green and blue
        WriteChunk(file, "IHDR", header);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var y = 0; y < Height; y++)
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(_pixels, y * Width * 3, Width * 3);
            }
        }

        WriteChunk(file, "IDAT", packed.ToArray());
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    private static void WriteChunk(MemoryStream file, string type, ReadOnlySpan<byte> data)
    {
        byte[] chunk = [.. Encoding.ASCII.GetBytes(type), .. data];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(chunk);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32(chunk));
        file.Write(number);
    }

    private static uint Crc32(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }
}
