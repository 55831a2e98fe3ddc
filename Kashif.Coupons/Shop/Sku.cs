using System.Text.RegularExpressions;

namespace Kashif.Coupons.Shop;

/// <summary>A product's code. It is stored in upper case; requests may use any.</summary>
internal static partial class Sku
{
    public const string Pattern = "[A-Za-z0-9-]{1,40}";
    public const string Invalid = "Must be 1 to 40 letters, digits or hyphens.";
    public const int MaxLength = 40;

    /// <returns>The stored form; null for a text that no product can have.</returns>
    public static string? Parse(string text) => Whole().IsMatch(text) ? text.ToUpperInvariant() : null;

    [GeneratedRegex($@"\A{Pattern}\z")]
    private static partial Regex Whole();
}
