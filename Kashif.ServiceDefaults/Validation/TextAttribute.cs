using System.Globalization;
using Kashif.Localization;

namespace Kashif.Validation;

/// <summary>
/// Validates the length of a text without leading and trailing white space, which is not stored. Counts characters as people
/// do (grapheme clusters): an emoji of several code points is one.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public class TextAttribute : CharactersAttribute
{
    /// <summary>In UTF-16. Bounds what a text of a given length can store: any number of combining marks is one character.</summary>
    private const int LongestCharacter = 16;

    /// <param name="max">In characters.</param>
    public TextAttribute(int max)
        : this(0, max)
    {
    }

    /// <param name="min">In characters; with 1 or more the field is required.</param>
    /// <param name="max">In characters.</param>
    public TextAttribute(int min, int max)
        : base(max) =>
        MinimumLength = min;

    private protected override string? Error(string text)
    {
        var trimmed = text.AsSpan().Trim();
        return trimmed.Length switch
        {
            _ when MinimumLength > 0 && DeceptiveCharacters.IsBlank(text) => Missing,
            var length when length <= MaximumLength && MinimumLength <= 1 => null, // the common case needs no counting
            var length when length > MaximumLength * LongestCharacter => LengthError(),
            _ => Count(trimmed) is var count && count >= MinimumLength && count <= MaximumLength ? null : LengthError(),
        };
    }

    private string LengthError() => MinimumLength <= 1
        ? TooLong
        : Localized.Format($"Between {MinimumLength} and {MaximumLength} characters.");

    private static int Count(ReadOnlySpan<char> text)
    {
        var count = 0;
        for (; text.Length > 0; count++)
        {
            text = text[StringInfo.GetNextTextElementLength(text)..];
        }

        return count;
    }
}
