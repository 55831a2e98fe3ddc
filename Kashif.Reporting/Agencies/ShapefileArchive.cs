using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Kashif.Localization;
using NetTopologySuite.Features;
using NetTopologySuite.Geometries;
using NetTopologySuite.IO.Esri;
using NetTopologySuite.IO.Esri.Shapefiles.Readers;

namespace Kashif.Reporting.Agencies;

/// <summary>
/// Reads the polygons of a zipped shapefile. The library trusts the lengths and counts of a file: it would allocate what they say, and read beyond the end. So they
/// are checked first, by the <see href="https://www.esri.com/content/dam/esrisites/sitecore-archive/Files/Pdfs/library/whitepapers/pdfs/shapefile.pdf">format's description</see>.
/// </summary>
internal static class ShapefileArchive
{
    private const int MostEntries = 50;

    /// <summary>Unpacked.</summary>
    private const int MaxFile = 40 * 1024 * 1024;
    private const int MaxText = 10_000;

    private const int ShpHeader = 100;
    private const int DbfHeader = 32;

    private static string Damaged => Localized.Text("The file is no zipped shapefile of polygons, or is damaged.");

    /// <returns>The features, or the error in the caller's language. Of too many features, only one more than allowed: a small file can have millions of empty ones.</returns>
    public static (List<ImportedFeature>? Features, string? Error) Read(MemoryStream archive)
    {
        try
        {
            using var zip = new ZipArchive(archive, ZipArchiveMode.Read);
            if (zip.Entries.Count > MostEntries)
            {
                return (null, Localized.Format($"At most {MostEntries} files in the zip file."));
            }

            var shapes = zip.Entries.Where(entry => Is(entry, ".shp") && !entry.FullName.StartsWith("__MACOSX", StringComparison.Ordinal)).ToArray();
            if (shapes.Length != 1)
            {
                return (null, Localized.Text("Must have exactly one .shp file, with its .dbf and .prj file."));
            }

            if (Unpack(zip, shapes[0], ".shp", MaxFile) is not { } shp || Unpack(zip, shapes[0], ".dbf", MaxFile) is not { } dbf || Unpack(zip, shapes[0], ".prj", MaxText) is not { } prj)
            {
                return (null, Localized.Text("Must have exactly one .shp file, with its .dbf and .prj file."));
            }

            if (Projection.Check(Encoding.UTF8.GetString(prj).Trim('\uFEFF')) is { } other)
            {
                return (null, other);
            }

            var encoding = Unpack(zip, shapes[0], ".cpg", MaxText) is { } cpg ? EncodingOf(Encoding.ASCII.GetString(cpg).Trim()) : Encoding.UTF8;
            return encoding is null
                ? (null, Localized.Text("The .cpg file names an unknown encoding."))
                : CountRecords(shp) is { } count && count == CountRows(dbf) ? (Features(shp, dbf, encoding), null) : (null, Damaged);
        }
        catch (TooLargeException)
        {
            return (null, Localized.Format($"A file of the shapefile is too large. At most {MaxFile / 1024 / 1024} MB when unpacked."));
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or ShapefileException or ArgumentException or NotSupportedException or InvalidOperationException
            or FormatException or IndexOutOfRangeException or OverflowException)
        {
            return (null, Damaged);
        }
    }

    private static List<ImportedFeature> Features(byte[] shp, byte[] dbf, Encoding encoding)
    {
        var options = new ShapefileReaderOptions { Encoding = encoding, GeometryBuilderMode = GeometryBuilderMode.IgnoreInvalidShapes }; // the boundary is checked later
        using var shapes = new MemoryStream(shp);
        using var rows = new MemoryStream(dbf);
        using var reader = Shapefile.OpenRead(shapes, rows, options);
        return [.. reader.Take(AreaEndpoints.MostAreas + 1).Select(feature => new ImportedFeature(
            property => Text(feature, property),
            () => AreaGeometry.Check(feature.Geometry as MultiPolygon ?? MultiPolygon.Empty)))];
    }

    private static string? Text(Feature feature, string property) =>
        feature.Attributes.GetNames().FirstOrDefault(name => name.Equals(property, StringComparison.OrdinalIgnoreCase)) is { } name // dBASE has upper case
            ? feature.Attributes[name]?.ToString()
            : null;

    private static bool Is(ZipArchiveEntry entry, string extension) => Path.GetExtension(entry.FullName).Equals(extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>Unpacks the file of the same name with another extension. A zip file can be larger than it says.</summary>
    /// <returns>Null if there is none.</returns>
    /// <exception cref="TooLargeException">It is larger than <paramref name="max"/>.</exception>
    private static byte[]? Unpack(ZipArchive zip, ZipArchiveEntry shape, string extension, int max)
    {
        var name = Path.ChangeExtension(shape.FullName, null);
        if (zip.Entries.FirstOrDefault(entry => Is(entry, extension) && Path.ChangeExtension(entry.FullName, null).Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } found)
        {
            return null;
        }

        using var content = found.Open();
        using var file = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = content.Read(buffer)) > 0;)
        {
            if (file.Length + read > max)
            {
                throw new TooLargeException();
            }

            file.Write(buffer, 0, read);
        }

        return file.ToArray();
    }

    private static Encoding? EncodingOf(string name)
    {
        try
        {
            var page = name.Split(' ', '-')[^1]; // such as 1256 or ANSI 1256
            return name.StartsWith("UTF", StringComparison.OrdinalIgnoreCase) ? Encoding.UTF8
                : name.StartsWith("ISO", StringComparison.OrdinalIgnoreCase) ? Encoding.GetEncoding($"iso-8859-{name[^1]}")
                : int.TryParse(page, out var number) ? CodePagesEncodingProvider.Instance.GetEncoding(number) ?? Encoding.GetEncoding(number)
                : CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <returns>How many records the file of shapes has; null for a damaged file, and for shapes that are no polygons.</returns>
    private static int? CountRecords(ReadOnlySpan<byte> shp)
    {
        const int NullShape = 0, Polygon = 5, PolygonZ = 15, PolygonM = 25;
        if (shp.Length < ShpHeader || BinaryPrimitives.ReadInt32BigEndian(shp) != 9994 || BinaryPrimitives.ReadInt32BigEndian(shp[24..]) * 2L != shp.Length)
        {
            return null;
        }

        var type = BinaryPrimitives.ReadInt32LittleEndian(shp[32..]);
        if (type is not (Polygon or PolygonZ or PolygonM))
        {
            return null;
        }

        var count = 0;
        for (var rest = shp[ShpHeader..]; rest.Length > 0; count++)
        {
            var length = rest.Length < 12 ? -1 : BinaryPrimitives.ReadInt32BigEndian(rest[4..]) * 2L;
            if (length < 4 || length > rest.Length - 8)
            {
                return null;
            }

            var record = rest.Slice(8, (int)length);
            rest = rest[(8 + (int)length)..];
            var own = BinaryPrimitives.ReadInt32LittleEndian(record);
            if (own != NullShape && (own != type || !IsPolygon(record, hasZ: type == PolygonZ, hasM: type == PolygonM)))
            {
                return null;
            }
        }

        return count;
    }

    /// <summary>The shape's type and box, the counts of rings and positions, where each ring begins, and the positions.</summary>
    private static bool IsPolygon(ReadOnlySpan<byte> record, bool hasZ, bool hasM)
    {
        const int Fixed = 44;
        if (record.Length < Fixed)
        {
            return false;
        }

        var (rings, positions) = (BinaryPrimitives.ReadInt32LittleEndian(record[36..]), BinaryPrimitives.ReadInt32LittleEndian(record[40..]));
        if (rings < 1 || positions < 1 || record.Length < Fixed + (4L * rings) + (16L * positions) + (hasZ || hasM ? 16 + (8L * positions) : 0))
        {
            return false;
        }

        var end = positions;
        for (var ring = rings - 1; ring >= 0; ring--)
        {
            var begin = BinaryPrimitives.ReadInt32LittleEndian(record[(Fixed + (4 * ring))..]);
            if (begin < 0 || begin >= end || (ring == 0 && begin != 0))
            {
                return false;
            }

            end = begin;
        }

        return true;
    }

    /// <returns>How many rows the table has; null for a damaged file.</returns>
    private static int? CountRows(ReadOnlySpan<byte> dbf)
    {
        if (dbf.Length < DbfHeader + 1)
        {
            return null;
        }

        var (rows, header, width) =
            (BinaryPrimitives.ReadUInt32LittleEndian(dbf[4..]), (int)BinaryPrimitives.ReadUInt16LittleEndian(dbf[8..]), BinaryPrimitives.ReadUInt16LittleEndian(dbf[10..]));
        if ((header - DbfHeader - 1) % DbfHeader != 0 || header <= DbfHeader || header + ((long)rows * width) > dbf.Length)
        {
            return null;
        }

        var sum = 1; // the mark of a deleted row
        for (var field = DbfHeader; field < header - 1; field += DbfHeader)
        {
            sum += dbf[field + 16];
        }

        return sum == width ? (int)rows : null;
    }

    private sealed class TooLargeException : Exception;
}
