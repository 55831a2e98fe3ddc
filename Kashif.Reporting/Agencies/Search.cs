namespace Kashif.Reporting.Agencies;

/// <summary>Search for words in names.</summary>
internal static class Search
{
    public const string Escape = @"\";

    /// <returns>For <c>ILIKE</c>: one pattern a word.</returns>
    public static IEnumerable<string> Patterns(string? query) =>
        query?.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(word => $"%{word.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal)}%")
        ?? [];
}
