using System.Globalization;

namespace Kashif.Reporting.Map;

/// <summary>
/// A part of a map between two meridians and two parallels, in degrees. <see cref="West"/> is greater than <see cref="East"/> where the
/// part crosses the antimeridian.
/// </summary>
internal sealed record BoundingBox(double West, double South, double East, double North)
{
    public static readonly BoundingBox World = new(-180, -90, 180, 90);

    public const string Invalid = "Must be west,south,east,north in degrees, such as 36.2,33.4,36.4,33.6.";

    /// <summary>Degrees from <see cref="West"/> to <see cref="East"/>.</summary>
    public double Width => West <= East ? East - West : East - West + 360;

    /// <param name="text"><c>west,south,east,north</c>, as in RFC 7946, section 5.</param>
    public static bool TryParse(string text, out BoundingBox box)
    {
        box = World;
        var parts = text.Split(',');
        Span<double> values = stackalloc double[4];
        if (parts.Length != values.Length)
        {
            return false;
        }

        for (var index = 0; index < values.Length; index++)
        {
            if (!double.TryParse(parts[index], NumberStyles.Float, CultureInfo.InvariantCulture, out values[index]))
            {
                return false;
            }
        }

        box = new BoundingBox(values[0], values[1], values[2], values[3]);
        return Math.Abs(box.West) <= 180 && Math.Abs(box.East) <= 180 && Math.Abs(box.South) <= 90 && Math.Abs(box.North) <= 90 && box.South <= box.North;
    }
}
