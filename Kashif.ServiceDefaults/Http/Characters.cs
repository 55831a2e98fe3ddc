namespace Kashif.Http;

/// <summary>The characters that strings in a request may contain.</summary>
public static class Characters
{
    internal const string NotText = "The characters U+0000 and U+FFFE are not allowed.";

    /// <summary>
    /// False for a string with U+0000, which PostgreSQL cannot store, or with the noncharacter U+FFFE, for which
    /// <see cref="string.Normalize()"/> throws.
    /// </summary>
    public static bool AreText(ReadOnlySpan<char> value) => !value.ContainsAny('\0', '\uFFFE');

    /// <summary>Cuts a text to at most <paramref name="max"/> UTF-16 code units, without splitting a surrogate pair: PostgreSQL refuses half of one.</summary>
    public static string Cut(string text, int max) =>
        text.Length <= max ? text : text[..(char.IsHighSurrogate(text[max - 1]) ? max - 1 : max)];
}
