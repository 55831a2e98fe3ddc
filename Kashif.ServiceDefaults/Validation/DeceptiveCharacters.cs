using System.Globalization;
using System.Text;
using Kashif.Localization;

namespace Kashif.Validation;

/// <summary>Characters that make two texts look the same although they differ.</summary>
public static class DeceptiveCharacters
{
    /// <summary>The error for an identifier with a character that cannot be seen, or with a space other than U+0020; null if there is none.</summary>
    public static string? FindHidden(string identifier) =>
        Find(identifier, IsHidden) is { } character
            ? Localized.Format($"The character {character} cannot be seen or told apart. Type the text instead of pasting it.")
            : null;

    /// <summary>
    /// The error for a title or a name with a bidirectional embedding, override or isolate, which can show the text in another order;
    /// null if there is none. Marks and joiners, which scripts need, are allowed.
    /// </summary>
    public static string? FindReordering(string text) =>
        Find(text, IsReordering) is { } character
            ? Localized.Format($"The character {character}, which changes the order of the text, is not allowed here.")
            : null;

    /// <summary>Whether a text shows nothing: it has white space, hidden characters and the blank of Braille only.</summary>
    public static bool IsBlank(string text) => text.EnumerateRunes().All(character => Rune.IsWhiteSpace(character) || IsHidden(character) || character.Value == 0x2800);

    /// <summary>U+202A to U+202E and U+2066 to U+2069: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters.</summary>
    private static bool IsReordering(Rune character) => character.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    private static bool IsHidden(Rune character) =>
        Rune.GetUnicodeCategory(character) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        || (Rune.GetUnicodeCategory(character) is UnicodeCategory.SpaceSeparator && character.Value != ' ')
        || IsIgnorable(character.Value);

    /// <summary>The letters and marks of Default_Ignorable_Code_Point: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt.</summary>
    private static bool IsIgnorable(int value) => value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x3164
        or (>= 0xFE00 and <= 0xFE0F) or 0xFFA0 or (>= 0xE0100 and <= 0xE01EF);

    private static string? Find(string text, Func<Rune, bool> isDeceptive)
    {
        foreach (var character in text.EnumerateRunes())
        {
            if (isDeceptive(character))
            {
                return $"U+{character.Value:X4}";
            }
        }

        return null;
    }
}
