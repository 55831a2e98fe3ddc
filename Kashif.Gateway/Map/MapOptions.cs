using System.ComponentModel.DataAnnotations;

namespace Kashif.Gateway.Map;

/// <summary>Section <c>Map</c>: the page <c>/map</c>.</summary>
internal sealed class MapOptions : IValidatableObject
{
    public const string Section = "Map";

    /// <summary>The tiles of the background, with <c>{z}</c>, <c>{x}</c> and <c>{y}</c>, and <c>{s}</c> for a, b and c. Empty: no background.</summary>
    public string TileUrl { get; set; } = "https://tile.openstreetmap.org/{z}/{x}/{y}.png";

    /// <summary>Whom the page names as the source of the tiles.</summary>
    public string Attribution { get; set; } = "© OpenStreetMap contributors";

    /// <summary>What the attribution links to. Empty: no link.</summary>
    public string AttributionUrl { get; set; } = "https://www.openstreetmap.org/copyright";

    /// <summary>Degrees north of the first view's centre, together with <see cref="Longitude"/>. Without them the page begins where the most reports are.</summary>
    [Range(-85.0, 85.0, ErrorMessage = "Map:Latitude must be between -85 and 85.")]
    public double? Latitude { get; set; }

    /// <summary>Degrees east of the first view's centre.</summary>
    [Range(-180.0, 180.0, ErrorMessage = "Map:Longitude must be between -180 and 180.")]
    public double? Longitude { get; set; }

    /// <summary>The first view's zoom level.</summary>
    [Range(0, 19, ErrorMessage = "Map:Zoom must be between 0, the earth, and 19, a house.")]
    public int Zoom { get; set; } = 13;

    /// <summary>Origins such as <c>https://city.example</c> whose pages may show the map in a frame. None by default.</summary>
    public string[] FrameAncestors { get; set; } = [];

    /// <summary>The tile server as a source in a Content-Security-Policy; null without a background.</summary>
    internal string? TileOrigin =>
        Tile() is { } tile ? tile.GetLeftPart(UriPartial.Authority).Replace($"//{AnySubdomain}.", "//*.", StringComparison.Ordinal) : null;

    /// <summary>Stands for <c>{s}</c> in a host name, where braces are invalid.</summary>
    private const string AnySubdomain = "any-subdomain";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (TileUrl.Length > 0 && (Tile() is null || !new[] { "{z}", "{x}", "{y}" }.All(TileUrl.Contains)))
        {
            yield return new ValidationResult(
                $"{Section}:{nameof(TileUrl)} is '{TileUrl}'. Set it to an address such as https://tile.example.org/{{z}}/{{x}}/{{y}}.png, or to nothing for no background.");
        }

        if (AttributionUrl.Length > 0 && Web(AttributionUrl) is null)
        {
            yield return new ValidationResult($"{Section}:{nameof(AttributionUrl)} is '{AttributionUrl}'. Set it to an http or https address, or to nothing for no link.");
        }

        if (Latitude is null != Longitude is null)
        {
            yield return new ValidationResult($"Set both {Section}:{nameof(Latitude)} and {Section}:{nameof(Longitude)}, or neither.");
        }

        foreach (var origin in FrameAncestors.Where(origin => Web(origin)?.GetLeftPart(UriPartial.Authority) != origin))
        {
            yield return new ValidationResult($"{Section}:{nameof(FrameAncestors)} contains '{origin}', which is not an origin such as https://city.example (no path, no trailing slash).");
        }
    }

    private Uri? Tile() => Web(TileUrl.Replace("//{s}.", $"//{AnySubdomain}.", StringComparison.Ordinal));

    /// <summary>An address whose origin is plain ASCII: it becomes a part of a header.</summary>
    private static Uri? Web(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Host == uri.IdnHost
            && uri.Host.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or ':' or '[' or ']') ? uri : null;
}
