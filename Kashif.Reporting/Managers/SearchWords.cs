namespace Kashif.Reporting.Managers;

/// <summary>The words of a search in a list of the staff. Each has to occur, in upper or lower case.</summary>
internal static class SearchWords
{
    public const int MaxLength = 100;

    /// <summary>A pattern for <c>ILIKE … ESCAPE '\'</c> of each word.</summary>
    public static IEnumerable<string> Patterns(string? query) =>
        (query?.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? []).Select(word => $"%{Escape(word)}%");

    private static string Escape(string word) =>
        word.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
}
