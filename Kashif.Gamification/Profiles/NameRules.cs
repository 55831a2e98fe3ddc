using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Kashif.Validation;

namespace Kashif.Gamification.Profiles;

/// <summary>Which display names are refused, and which are the same.</summary>
internal static class NameRules
{
    /// <summary>How many characters a folded character has at most, such as <c>ﷺ</c>.</summary>
    public const int LongestFold = 18;

    public const string Contact = "Everyone sees this name: choose one that is not an e-mail address or a phone number.";
    public const string TooShort = "Must have at least two letters or digits.";
    public const string Refused = "This name is not allowed. Choose another one.";
    public const string MixedAlphabets = "Use the letters of one alphabet within a word.";

    private const int ShortestPhoneNumber = 7;

    /// <summary>
    /// Letters that look or sound the same: Arabic and Persian forms, and the letters of other alphabets that look Latin. A Greek letter
    /// is what its capital looks like, which is the same glyph.
    /// </summary>
    private static readonly FrozenDictionary<char, char> SameLetters = Pairs(
        ("ٱىةیکہھ", "ايهيكهه"),
        ("аеорсухіѕјкмтвнԁӏ", "aeopcyxisjkmtbhdl"),
        ("αβεζηικμνορςτυχ", "abezhikmnopstyx"),
        ("ıøđłæœɑɓɗɡʙƅ", "iodlaoabdgbb"));

    /// <summary>Digits in the place of letters.</summary>
    private static readonly FrozenDictionary<char, char> LetterDigits = Pairs(("01345", "oieas"));

    private static readonly (FrozenSet<string> Words, string[] Parts) RefusedWords = ReadWords();

    /// <summary>The form in which two names are the same: without case, accents, spaces and punctuation, and with one form of each Arabic letter.</summary>
    public static string Fold(string name)
    {
        var folded = new StringBuilder();
        foreach (var character in Digits.ToAscii(name.Normalize(NormalizationForm.FormKD)).ToLowerInvariant().EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(character) && Rune.GetUnicodeCategory(character) is not UnicodeCategory.ModifierLetter)
            {
                folded.Append(character.IsBmp && SameLetters.TryGetValue((char)character.Value, out var same) ? same.ToString() : character.ToString());
            }
        }

        return folded.ToString();
    }

    /// <returns>The error for a name that is not allowed; null if it is.</returns>
    public static string? Validate(string name)
    {
        var plain = name.Normalize(NormalizationForm.FormKC);
        var folded = Fold(name);
        return plain.Contains('@', StringComparison.Ordinal) || folded.Count(char.IsAsciiDigit) >= ShortestPhoneNumber ? Contact
            : folded.Length < 2 ? TooShort
            : Words(plain).Any(MixesAlphabets) ? MixedAlphabets
            : IsRefused(plain, folded) || IsRefused(plain, WithoutDigits(folded)) ? Refused
            : null;
    }

    private static bool IsRefused(string name, string folded) =>
        RefusedWords.Words.Contains(folded)
        || RefusedWords.Parts.Any(part => folded.Contains(part, StringComparison.Ordinal))
        || Words(name).Select(Fold).Any(word => RefusedWords.Words.Contains(word) || RefusedWords.Words.Contains(WithoutDigits(word)));

    private static string WithoutDigits(string folded) =>
        string.Concat(folded.Select(character => LetterDigits.GetValueOrDefault(character, character)));

    /// <summary>Most letters that imitate others are of another alphabet than the rest of the word, and there are too many to list.</summary>
    private static bool MixesAlphabets(string word) =>
        word.EnumerateRunes().Where(Rune.IsLetter).Select(letter => AlphabetOf(letter.Value)).Distinct().Count() > 1;

    private static Alphabet AlphabetOf(int letter) => letter switch
    {
        < 0x2B0 or (>= 0x1E00 and < 0x1F00) => Alphabet.Latin,
        (>= 0x370 and < 0x400) or (>= 0x1F00 and < 0x2000) => Alphabet.Greek,
        >= 0x400 and < 0x530 => Alphabet.Cyrillic,
        (>= 0x600 and < 0x700) or (>= 0x750 and < 0x780) or (>= 0x870 and < 0x900) => Alphabet.Arabic,
        _ => Alphabet.Other,
    };

    private static IEnumerable<string> Words(string name) =>
        string.Concat(name.Select(character => char.IsPunctuation(character) || char.IsSymbol(character) ? ' ' : character))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Reads <c>RefusedWords.txt</c>: a word a line, with <c>*</c> before it if it may not be a part of a name either.</summary>
    private static (FrozenSet<string> Words, string[] Parts) ReadWords()
    {
        using var stream = typeof(NameRules).Assembly.GetManifestResourceStream("RefusedWords.txt")
            ?? throw new InvalidOperationException("The list of refused words is missing.");
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return (lines.Select(Fold).ToFrozenSet(), [.. lines.Where(line => line.StartsWith('*')).Select(Fold)]);
    }

    private enum Alphabet
    {
        Latin,
        Greek,
        Cyrillic,
        Arabic,
        Other,
    }

    private static FrozenDictionary<char, char> Pairs(params (string From, string To)[] pairs) =>
        pairs.SelectMany(pair => pair.From.Zip(pair.To)).ToFrozenDictionary(letters => letters.First, letters => letters.Second);
}
