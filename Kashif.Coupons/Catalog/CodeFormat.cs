using System.Text.RegularExpressions;

namespace Kashif.Coupons.Catalog;

/// <summary>What a company can choose as a code: it can be printed, read out and typed.</summary>
internal static partial class CodeFormat
{
    public const int MaxLength = 64;

    public static bool Allows(string code) => Pattern().IsMatch(code);

    [GeneratedRegex(@"\A[A-Za-z0-9._/-]{4,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
