using Microsoft.Extensions.Primitives;

namespace Kashif.Gateway.Representation;

/// <summary>The <c>Prefer</c> header (RFC 7240): names with or without a value and parameters, in any number of lines.</summary>
internal static class Preferences
{
    public const string Header = "Prefer";
    public const string Applied = "Preference-Applied";

    /// <summary>Whether the preference is there, without a value (which is the same as an empty one).</summary>
    public static bool Has(StringValues header, string name)
    {
        foreach (var line in header)
        {
            foreach (var preference in Split(line ?? "", ','))
            {
                var parts = Split(preference, ';').First().Split('=', 2, StringSplitOptions.TrimEntries);
                if (string.Equals(parts[0], name, StringComparison.OrdinalIgnoreCase) && parts is [_] or [_, "" or "\"\""])
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Not within quotes.</summary>
    private static IEnumerable<string> Split(string text, char separator)
    {
        var (start, quoted) = (0, false);
        for (var index = 0; index < text.Length; index++)
        {
            switch (text[index])
            {
                case '\\' when quoted:
                    index++;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case var character when character == separator && !quoted:
                    yield return text[start..index];
                    start = index + 1;
                    break;
            }
        }

        yield return text[start..];
    }
}
