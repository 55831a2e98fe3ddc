namespace Kashif.Notifications.Templates;

internal static class TextShortening
{
    /// <summary>Cuts a text that is too long, between characters, and ends it with an ellipsis.</summary>
    public static string Shorten(this string text, int maxLength)
    {
        if (text.Length <= maxLength)
        {
            return text;
        }

        var length = maxLength - 1;
        return $"{text.AsSpan(0, char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)}…";
    }
}
