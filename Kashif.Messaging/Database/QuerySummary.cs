using System.Diagnostics;
using System.Text.RegularExpressions;
using Npgsql;

namespace Kashif.Messaging.Database;

/// <summary>
/// Names the span of a query by what the query does, such as <c>INSERT reports INSERT outbox</c>: Npgsql alone calls all of
/// them <c>postgresql</c>.
/// </summary>
/// <remarks>https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query</remarks>
internal static partial class QuerySummary
{
    public static void NameSpans(NpgsqlTracingOptionsBuilder tracing) => tracing
        .ConfigureCommandEnrichmentCallback((span, command) => Name(span, command.CommandText))
        .ConfigureBatchEnrichmentCallback((span, batch) =>
            Name(span, string.Join(';', batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(command => command.CommandText))));

    /// <summary>The operations with their tables, each once, in the order of the text. Where a query changes data, what it selects for that is left out.</summary>
    public static string Of(string sql)
    {
        var operations = Operation.Matches(sql).Select(match => (Name: match.Groups["name"].Value.ToUpperInvariant(), Table: match.Groups["table"].Value)).Distinct().ToList();
        var changes = operations.FindAll(operation => operation.Name != "SELECT");
        return operations.Count == 0
            ? FirstWord.Match(sql).Value.ToUpperInvariant()
            : string.Join(' ', (changes.Count > 0 ? changes : operations).Select(operation => $"{operation.Name} {operation.Table}"));
    }

    private static void Name(Activity span, string sql)
    {
        if (span.IsAllDataRequested)
        {
            span.DisplayName = Of(sql);
            span.SetTag("db.query.summary", span.DisplayName);
        }
    }

    /// <summary>Not an update: <c>FOR UPDATE</c>, <c>FOR NO KEY UPDATE</c>, <c>DO UPDATE</c>.</summary>
    [GeneratedRegex(
        """
        \b(?:(?<name>INSERT)\s+INTO
          |(?<name>DELETE)\s+FROM
          |(?<!\b(?:FOR|KEY|DO)\s+)(?<name>UPDATE)
          |(?<name>SELECT)\b(?:(?!\bSELECT\b)[^;])*?\bFROM)
        \s+(?:ONLY\s+)?"?(?<table>[a-z_]\w*)
        """,
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Operation { get; }

    [GeneratedRegex(@"\w+")]
    private static partial Regex FirstWord { get; }
}
