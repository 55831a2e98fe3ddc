namespace Kashif.Messaging;

/// <summary>The words of a search in a list. Each has to occur, in upper or lower case.</summary>
public static class SearchWords
{
    /// <summary>A pattern for <c>ILIKE … ESCAPE '\'</c> of each word.</summary>
    public static IEnumerable<string> Patterns(string? query) =>
        (query?.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? []).Select(word => $"%{Escape(word)}%");

    /// <summary>The text for a pattern of <c>LIKE</c> or <c>ILIKE</c>, in which nothing stands for other characters.</summary>
    public static string Escape(string text) =>
        text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
}
