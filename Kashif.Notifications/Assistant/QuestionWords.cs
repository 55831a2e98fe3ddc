using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Kashif.Validation;

namespace Kashif.Notifications.Assistant;

/// <summary>The words of a text, written so that spellings of the same word are equal.</summary>
internal static partial class QuestionWords
{
    /// <summary>In lower case, without diacritics and tatweel, with one form of alef, ya, waw and ta marbuta, and ASCII digits.</summary>
    public static IReadOnlyList<string> Of(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var character in Digits.ToAscii(text).Normalize(NormalizationForm.FormKD))
        {
            // FormKD splits alef with hamza, and so on, into the letter and a mark.
            if (CharUnicodeInfo.GetUnicodeCategory(character) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.Format) && character != 'ـ')
            {
                plain.Append(character switch
                {
                    'ٱ' => 'ا',
                    'ى' => 'ي',
                    'ة' => 'ه',
                    _ => char.ToLowerInvariant(character),
                });
            }
        }

        return [.. Word.Matches(plain.ToString()).Select(match => match.Value)];
    }

    /// <summary>Whether the text has a letter of the Arabic script.</summary>
    public static bool IsArabic(string text) => text.Any(character => character is (>= '\u0620' and <= '\u06ff') or (>= '\ufb50' and <= '\ufdff') or (>= '\ufe70' and <= '\ufefc'));

    /// <summary>An Arabic word has prefixes and suffixes, an English one suffixes. Short stems are whole words.</summary>
    public static bool HasStem(string word, string stem) =>
        IsArabic(stem)
            ? stem.Length <= 2 ? word == stem : word.Contains(stem, StringComparison.Ordinal)
            : stem.Length <= 4 ? word == stem : word.StartsWith(stem, StringComparison.Ordinal);

    [GeneratedRegex(@"[\p{L}\p{Nd}]+")]
    private static partial Regex Word { get; }
}
