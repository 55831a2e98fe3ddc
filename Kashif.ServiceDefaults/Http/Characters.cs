namespace Kashif.Http;

/// <summary>Which strings of a request are text.</summary>
public static class Characters
{
    internal const string NotText = "The characters U+0000 and U+FFFE are not allowed.";

    /// <summary>
    /// False with U+0000, which PostgreSQL's text cannot hold, and with U+FFFE, which is no character and which
    /// <see cref="string.Normalize()"/> throws at.
    /// </summary>
    public static bool AreText(ReadOnlySpan<char> value) => !value.ContainsAny('\0', '\uFFFE');
}
