using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>
/// The plural categories of CLDR for cardinal numbers
/// (https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html).
/// </summary>
internal static class PluralRules
{
    public const string Other = "other";

    /// <summary>Every category.</summary>
    public static IReadOnlyList<string> Categories { get; } = ["zero", "one", "two", "few", "many", Other];

    public static string Category(string language, decimal number)
    {
        var absolute = Math.Abs(number);
        return language switch
        {
            Languages.Arabic => (absolute, absolute % 100) switch
            {
                (0, _) => "zero",
                (1, _) => "one",
                (2, _) => "two",
                (_, >= 3 and <= 10) when decimal.IsInteger(number) => "few",
                (_, >= 11 and <= 99) when decimal.IsInteger(number) => "many",
                _ => Other,
            },
            _ => absolute == 1 ? "one" : Other,
        };
    }
}
