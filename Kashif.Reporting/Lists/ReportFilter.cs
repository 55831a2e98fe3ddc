using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>Which reports a list has, besides those of its area. Null and empty mean all.</summary>
internal sealed record ReportFilter : PublicReportQuery
{
    /// <summary>The user whose reports they are, all of them; null for all public reports.</summary>
    public Guid? UserId { get; init; }

    /// <summary>Words that the title, the description or the address has.</summary>
    public string? Text { get; init; }

    /// <summary>Who may see them, and to the millisecond when they were created, which their ids tell: what an index by id is read with.</summary>
    public string Range(SqlParameters sql) => string.Join(" AND ", RangeConditions(sql));

    public string Sql(SqlParameters sql) => string.Join(" AND ", [.. RangeConditions(sql), .. Conditions(sql)]);

    /// <summary>The conditions that <see cref="Range"/> does not have; <c>true</c> for none.</summary>
    public string Matches(SqlParameters sql) => Conditions(sql).ToArray() is { Length: > 0 } conditions ? string.Join(" AND ", conditions) : "true";

    private IEnumerable<string> RangeConditions(SqlParameters sql)
    {
        yield return UserId is { } userId ? $"user_id = {sql.Add(userId)}" : ReportVisibility.PublicSql;
        if (IdAfter is { } first)
        {
            yield return $"id > {sql.Add(first)}";
        }

        if (IdBefore is { } last)
        {
            yield return $"id < {sql.Add(last)}";
        }
    }

    private IEnumerable<string> Conditions(SqlParameters sql)
    {
        if (From is { } from)
        {
            yield return $"created_at >= {sql.Add(from)}";
        }

        if (To is { } to)
        {
            yield return $"created_at < {sql.Add(to)}";
        }

        // With one value an index has the rows in the order of the list.
        if (Categories.Count > 0)
        {
            yield return Categories is [var category] ? $"category = {sql.Add(category)}" : $"category = ANY({sql.Add(Categories.ToArray())})";
        }

        if (Statuses.Count > 0)
        {
            yield return Statuses is [var status] ? $"status = {sql.Add(status.WireName())}" : $"status = ANY({sql.Add(Statuses.Select(one => one.WireName()).ToArray())})";
        }

        if (AreaId is { } area)
        {
            yield return $"area_id = {sql.Add(area)}";
        }

        if (Text is { } text)
        {
            yield return $"words @@ {ReportWords.Query(sql.Add(text))}";
        }
    }
}
