using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Kashif.Reporting.Tests;

/// <summary>Files that are a photo and something else at once: as attackers make them, and as phones do.</summary>
internal static class Polyglots
{
    private const string Page = "<html><script>alert(1)</script></html>";
    private static readonly byte[] Pdf = Encoding.ASCII.GetBytes("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n");

    public static Dictionary<string, byte[]> All { get; } = new()
    {
        ["JPEG with a ZIP"] = [.. Pictures.Jpeg(), .. Zip("a.txt")],
        ["JPEG with a JAR after padding"] = [.. Pictures.Jpeg(), .. new byte[64], .. Zip("META-INF/MANIFEST.MF")],
        ["JPEG with a ZIP in a comment"] = InComment(Pictures.Jpeg(), Zip("a.txt")),
        ["JPEG with a ZIP in the video of a motion photo"] = [.. Pictures.Jpeg(), .. Video(), .. Box("free", Zip("a.txt"))],
        ["JPEG with a ZIP that says it has two disks"] = InComment(Pictures.Jpeg(), Zip("a.txt", disk: 1)),
        ["JPEG with a ZIP whose comment is the image"] = InComment(Pictures.Jpeg(), Zip("a.txt", disk: 1, directory: 0, comment: Pictures.Jpeg().Length - 2)),
        ["JPEG with a ZIP64"] = InComment(Pictures.Jpeg(), Zip64("a.txt")),
        ["JPEG with a PDF"] = [.. Pictures.Jpeg(), .. Pdf],
        ["JPEG with a PDF in a comment"] = InComment(Pictures.Jpeg(), Pdf),
        ["JPEG with a page"] = [.. Pictures.Jpeg(), .. Encoding.ASCII.GetBytes(Page)],
        ["JPEG with a page in a comment"] = InComment(Pictures.Jpeg(), Encoding.ASCII.GetBytes(Page)),
        ["JPEG with a page in upper case after many of its first character"] = InComment(Pictures.Jpeg(), [.. Enumerable.Repeat((byte)'<', 60_000), .. Encoding.ASCII.GetBytes(Page.ToUpperInvariant())]),
        ["JPEG with a page at its very end"] = [.. Pictures.Jpeg(), 1, 2, .. "<body"u8, (byte)'\n'],
        ["JPEG with a shell script"] = [.. Pictures.Jpeg(), .. "\n#!/bin/sh\nrm -rf /\n"u8],
        ["JPEG with a script"] = [.. Pictures.Jpeg(), .. "*/=alert(1)//"u8],
        ["JPEG with a program"] = [.. Pictures.Jpeg(), 0x7f, .. "ELF"u8, .. new byte[60]],
        ["JPEG with another JPEG that it does not declare"] = [.. Pictures.Jpeg(), .. Pictures.Jpeg(100, 100)],
        ["JPEG with another JPEG where it declares a video"] = [.. Declaring("photos/1.0", "image/jpeg", "video/mp4"), .. Pictures.Jpeg(100, 100)],
        ["JPEG with a page behind the video of a motion photo"] = [.. Pictures.Jpeg(), .. Video(), .. "<b onclick=alert(1)>"u8],
        ["JPEG with a script behind the video of a motion photo"] = [.. Pictures.Jpeg(), .. Video(), .. "\n#!/bin/sh\nreboot\n"u8],
        ["JPEG with a long text behind the video of a motion photo"] = [.. Pictures.Jpeg(), .. Video(), .. "alert(1);"u8, .. Enumerable.Repeat((byte)' ', 60)],
        ["JPEG with a PNG"] = [.. Pictures.Jpeg(), .. Pictures.Png()],
        ["JPEG with a TAR header"] = Tar(Pictures.Jpeg()),
        ["PNG with a ZIP"] = [.. Pictures.Png(), .. Zip("a.txt")],
        ["PNG with a ZIP in a chunk"] = InChunk(Pictures.Png(), "tEXt", Zip("a.txt")),
        ["PNG with a page in a chunk"] = InChunk(Pictures.Png(), "tEXt", Encoding.ASCII.GetBytes($"Comment\0{Page}")),
        ["PNG with a PDF in a chunk"] = InChunk(Pictures.Png(), "teSt", Pdf),
        ["PNG with a page"] = [.. Pictures.Png(), .. Encoding.ASCII.GetBytes(Page)],
        ["PNG with a video"] = [.. Pictures.Png(), .. Video()],
        ["PNG with a JPEG"] = [.. Pictures.Png(), .. Pictures.Jpeg()],
        ["WebP with a ZIP"] = [.. Pictures.WebP(), .. Zip("a.txt")],
        ["WebP with a PDF in a chunk"] = InRiff(Pictures.WebP(), "JUNK", Pdf),
        ["WebP with a page in a chunk"] = InRiff(Pictures.WebP(), "JUNK", Encoding.ASCII.GetBytes(Page)),
        ["WebP with bytes behind it"] = [.. Pictures.WebP(), .. "GIF89a"u8],
    };

    public static Dictionary<string, byte[]> Phones { get; } = new()
    {
        ["a motion photo of Google"] = [.. Pictures.Jpeg(), .. Video()],
        ["a motion photo with padding"] = [.. Pictures.Jpeg(), .. new byte[16], .. Video()],
        ["a motion photo of Samsung"] = [.. Pictures.Jpeg(), .. SamsungTrailer(("MotionPhoto_Data", 0x0a30, Video()), ("Image_UTC_Data", 0x0a01, "1793520000000"u8.ToArray()))],
        ["a motion photo of Huawei"] = [.. Pictures.Jpeg(), .. Video(), .. "v3_f31_c            0:0                 LIVE_3254123        "u8],
        ["a portrait of Google"] = [.. Declaring("photos/1.0", "image/jpeg", "image/jpeg", "image/jpeg"), .. Pictures.Jpeg(100, 100), .. Pictures.Jpeg(50, 50)],
        ["a portrait of Google with dynamic depth"] = [.. Declaring("photos/dd/1.0", "image/jpeg", "image/jpeg"), .. Pictures.Jpeg(100, 100)],
        ["a photo with a gain map and a video"] = [.. InSegment(Pictures.Jpeg(), 0xe2, [.. "MPF\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 0, 0]), .. Pictures.Jpeg(100, 100), .. Video()],
        ["a photo with data of its maker"] = [.. Pictures.Jpeg(), 0xfe, 0x01, .. "edof"u8, 0x00, 0x07, 0xfe, 0x80, .. new byte[40]],
        ["a photo with the four bytes of an archive's end by chance"] = InComment(Pictures.Jpeg(), [.. "PK\u0005\u0006"u8, .. Enumerable.Range(0, 100).Select(number => (byte)((number * 89) + 1))]),
        ["a photo with data of its maker that ends like a tag"] = [.. Pictures.Jpeg(), 1, 2, .. "<body"u8],
        ["a photo with padding"] = [.. Pictures.Jpeg(), .. new byte[1000]],
    };

    private static byte[] Zip(string name)
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = archive.CreateEntry(name).Open();
            entry.Write("hidden"u8);
        }

        return file.ToArray();
    }

    /// <summary>An archive whose end has other numbers: readers ignore that of the disk, and some that of the directory's size.</summary>
    private static byte[] Zip(string name, ushort disk, int? directory = null, int comment = 0)
    {
        var zip = Zip(name);
        var end = zip.AsSpan(^22..);
        BinaryPrimitives.WriteUInt16LittleEndian(end[4..], disk);
        BinaryPrimitives.WriteUInt16LittleEndian(end[20..], (ushort)comment);
        if (directory is { } size)
        {
            BinaryPrimitives.WriteInt32LittleEndian(end[12..], size);
        }

        return zip;
    }

    /// <summary>An archive whose numbers stand in a record before the end, where a locator finds it.</summary>
    private static byte[] Zip64(string name)
    {
        var zip = Zip(name);
        var (size, position) = (BitConverter.ToInt32(zip, zip.Length - 10), BitConverter.ToInt32(zip, zip.Length - 6));
        byte[] record =
        [
            .. "PK\u0006\u0006"u8, .. LittleEndian(44), .. LittleEndian(0), 45, 0, 45, 0, .. new byte[8], 1, .. new byte[7], 1, .. new byte[7],
            .. LittleEndian(size), .. LittleEndian(0), .. LittleEndian(position), .. LittleEndian(0),
        ];
        byte[] locator = [.. "PK\u0006\u0007"u8, .. LittleEndian(0), .. LittleEndian(zip.Length - 22), .. LittleEndian(0), .. LittleEndian(1)];
        return [.. zip[..^22], .. record, .. locator, .. "PK\u0005\u0006"u8, .. new byte[4], .. Enumerable.Repeat((byte)0xff, 12), 0, 0];
    }

    private static byte[] Video() => [.. Box("ftyp", [.. "mp42"u8, 0, 0, 0, 0, .. "mp42isom"u8]), .. Box("moov", new byte[100]), .. Box("mdat", [.. Enumerable.Range(0, 2000).Select(number => (byte)(number * 37))])];

    private static byte[] Box(string name, byte[] content) => [.. BigEndian(content.Length + 8), .. Encoding.ASCII.GetBytes(name), .. content];

    /// <summary>Blocks of data, then a directory with their distances from it.</summary>
    private static byte[] SamsungTrailer(params (string Name, ushort Type, byte[] Data)[] blocks)
    {
        var files = blocks.Select(block => (byte[])[0, 0, (byte)block.Type, (byte)(block.Type >> 8), .. LittleEndian(block.Name.Length), .. Encoding.ASCII.GetBytes(block.Name), .. block.Data]).ToArray();
        byte[] directory = [.. "SEFH"u8, .. LittleEndian(107), .. LittleEndian(blocks.Length)];
        for (var index = 0; index < blocks.Length; index++)
        {
            var distance = files[index..].Sum(file => file.Length);
            directory = [.. directory, 0, 0, (byte)blocks[index].Type, (byte)(blocks[index].Type >> 8), .. LittleEndian(distance), .. LittleEndian(files[index].Length)];
        }

        return [.. files.SelectMany(file => file), .. directory, .. LittleEndian(directory.Length), .. "SEFT"u8];
    }

    /// <summary>A JPEG whose XMP lists the types of its parts: https://developer.android.com/media/platform/motion-photo-format.</summary>
    private static byte[] Declaring(string version, params string[] types) => InSegment(Pictures.Jpeg(), 0xe1, Encoding.UTF8.GetBytes(
        $"""
        http://ns.adobe.com/xap/1.0/{'\0'}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description xmlns:Container="http://ns.google.com/{version}/container/" xmlns:Item="http://ns.google.com/{version}/container/item/"><Container:Directory><rdf:Seq>
        {string.Concat(types.Select(type => $"""<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="{type}"/></rdf:li>"""))}
        </rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>
        """));

    private static byte[] InComment(byte[] jpeg, byte[] content) => InSegment(jpeg, 0xfe, content);

    private static byte[] InSegment(byte[] jpeg, byte marker, byte[] content) =>
        [.. jpeg[..2], 0xff, marker, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content, .. jpeg[2..]];

    /// <summary>After the header, which ends at 33.</summary>
    private static byte[] InChunk(byte[] png, string name, byte[] content)
    {
        byte[] named = [.. Encoding.ASCII.GetBytes(name), .. content];
        return [.. png[..33], .. BigEndian(content.Length), .. named, .. BigEndian((int)Crc32(named)), .. png[33..]];
    }

    private static byte[] InRiff(byte[] webP, string name, byte[] content)
    {
        byte[] padded = [.. content, .. new byte[content.Length & 1]];
        byte[] file = [.. webP, .. Encoding.ASCII.GetBytes(name), .. LittleEndian(content.Length), .. padded];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        return file;
    }

    /// <summary>An archive whose first file has a name that begins with the JPEG.</summary>
    private static byte[] Tar(byte[] jpeg)
    {
        var tar = InComment(jpeg, new byte[600]);
        "ustar\0"u8.CopyTo(tar.AsSpan(257));
        return tar;
    }

    private static uint Crc32(byte[] bytes)
    {
        var sum = uint.MaxValue;
        foreach (var value in bytes)
        {
            sum ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                sum = (sum >> 1) ^ ((sum & 1) * 0xedb88320);
            }
        }

        return ~sum;
    }

    private static byte[] BigEndian(int number)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    private static byte[] LittleEndian(int number)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return bytes;
    }
}
