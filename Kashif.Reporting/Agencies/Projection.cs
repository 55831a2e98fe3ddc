using Kashif.Localization;

namespace Kashif.Reporting.Agencies;

/// <summary>The coordinate system of an imported file, which must be WGS 84 in degrees.</summary>
internal static class Projection
{
    /// <summary>Names of WGS 84 in letters and digits: of EPSG, OGC, Esri and GDAL.</summary>
    private static readonly string[] Wgs84 =
        ["WGS84", "WGS1984", "GCSWGS84", "GCSWGS1984", "EPSG4326", "OGCCRS84", "URNOGCDEFCRSEPSG4326", "URNOGCDEFCRSOGC13CRS84", "URNOGCDEFCRSOGCCRS84"];

    public static bool IsWgs84(string name) => Wgs84.Contains(string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant());

    /// <returns>The error for another coordinate system.</returns>
    public static string Refusal(string name) =>
        Localized.Format($"The file is in {(name.Length > 100 ? name[..100] : name)}. Convert it to WGS 84 (EPSG:4326).");

    /// <summary>Reads a <c>.prj</c> file, such as <c>GEOGCS["GCS_WGS_1984",DATUM[…]]</c>.</summary>
    /// <returns>The error for another coordinate system; null for WGS 84.</returns>
    public static string? Check(string wellKnownText)
    {
        var parts = wellKnownText.Trim().Split('"', 3);
        if (parts.Length < 2)
        {
            return Localized.Text("The .prj file names no coordinate system.");
        }

        var name = parts[1];
        return parts[0].TrimEnd('[', '(', ' ').ToUpperInvariant() is "GEOGCS" or "GEOGCRS" or "GEODCRS" && IsWgs84(name) ? null : Refusal(name);
    }
}
