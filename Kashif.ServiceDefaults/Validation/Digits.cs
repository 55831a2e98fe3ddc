using System.Globalization;

namespace Kashif.Validation;

/// <summary>Digits as people type them.</summary>
public static class Digits
{
    /// <summary>Replaces the decimal digits of every script, such as ٠ to ٩, by 0 to 9: for codes and numbers that people type.</summary>
    public static string ToAscii(string text) =>
        string.Concat(text.Select(character => char.IsDigit(character) ? (char)('0' + CharUnicodeInfo.GetDecimalDigitValue(character)) : character));
}
