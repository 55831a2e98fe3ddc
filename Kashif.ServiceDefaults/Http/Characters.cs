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
}
