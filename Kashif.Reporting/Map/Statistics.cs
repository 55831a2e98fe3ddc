using System.ComponentModel;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Map;

/// <summary>The reports of one category, status, area, month or day.</summary>
/// <param name="Key" example="pothole">The category's code, the status, the area's id or `none`, the month (`2026-11`) or the day (`2026-11-29`), in UTC.</param>
/// <param name="Count" example="120">How many reports.</param>
/// <param name="Open" example="30">How many are submitted, verified or in progress.</param>
/// <param name="Resolved" example="80">How many are resolved.</param>
/// <param name="Overdue" example="5">How many are open and have passed their date.</param>
/// <param name="MedianHoursToResolve" example="52.5">The median time from a report's creation to its resolution, in hours; null if none is resolved.</param>
/// <param name="HoursToResolve90" example="310.25">The time within which nine of ten were resolved, in hours; null if none is resolved.</param>
/// <param name="Name">The area's name; absent for others, and for `none`.</param>
internal sealed record StatisticsRow(
    string Key, int Count, int Open, int Resolved, int Overdue, double? MedianHoursToResolve, double? HoursToResolve90,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Name? Name = null);

/// <summary>Statistics of the public reports.</summary>
/// <param name="GroupBy" example="category">What the rows stand for.</param>
/// <param name="Items">The rows, in the order of their keys.</param>
internal sealed record StatisticsResponse(string GroupBy, IReadOnlyList<StatisticsRow> Items);

/// <summary>Counts reports for charts.</summary>
internal static class Statistics
{
    /// <summary>Days of a long time would be many rows.</summary>
    private const int MostRows = 4000;

    private static readonly Dictionary<string, string> Keys = new()
    {
        ["category"] = "category",
        ["status"] = "status",
        ["area"] = "coalesce(area_id::text, 'none')",
        ["month"] = "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM')",
        ["day"] = "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    };

    /// <param name="groupBy" example="category">`category`, `status`, `area`, `month` or `day`.</param>
    /// <param name="bbox" example="36.2,33.4,36.4,33.6">Only reports inside `west,south,east,north` in degrees.</param>
    public static async Task<Results<Ok<StatisticsResponse>, ValidationProblem>> ReadAsync(
        [FromQuery(Name = "group_by"), Values("category", "status", "area", "month", "day"), DefaultValue("category")] string? groupBy,
        [FromQuery(Name = "bbox"), Text(1, 200)] string? bbox,
        [AsParameters] MapQuery query,
        HttpContext http,
        ReportingDbContext database,
        CategoryCache categories,
        AgencyRouting routing,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        groupBy ??= "category";
        if (!Keys.TryGetValue(groupBy, out var key))
        {
            errors.Add("group_by", "Must be category, status, area, month or day.");
        }

        var filter = await query.ParseAsync(bbox, errors, categories, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        // EF writes the filter; what it has no words for (percentiles, FILTER) is around it.
        var now = time.GetUtcNow();
        await using var command = filter.Apply(database.Reports).Select(report => new { report.Id, report.Category, report.Status, report.CreatedAt, report.DueAt, report.AreaId }).CreateDbCommand();
        command.CommandText = $"""
            WITH matching (id, category, status, created_at, due_at, area_id) AS ({command.CommandText})
            SELECT {key}, count(*)::int,
                count(*) FILTER (WHERE {ReportStatuses.OpenSql})::int,
                count(*) FILTER (WHERE status = 'resolved')::int,
                count(*) FILTER (WHERE {ReportStatuses.OpenSql} AND due_at < @now)::int,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY hours), percentile_cont(0.9) WITHIN GROUP (ORDER BY hours)
            FROM matching LEFT JOIN LATERAL (
                SELECT extract(epoch FROM max(change.at) - matching.created_at)::float8 / 3600 AS hours
                FROM status_changes AS change WHERE matching.status = 'resolved' AND change.report_id = matching.id AND change.to = 'resolved' AND change.kind <> 'edited'
            ) AS resolution ON true
            GROUP BY 1 ORDER BY 1 LIMIT {MostRows}
            """;
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = ("now", now);
        command.Parameters.Add(parameter);
        var rows = new List<StatisticsRow>();
        await database.Database.OpenConnectionAsync(cancellationToken);
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(new StatisticsRow(
                    reader.GetString(0), reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4), Hours(5), Hours(6)));

                double? Hours(int ordinal) => reader.IsDBNull(ordinal) ? null : Math.Round(reader.GetDouble(ordinal), 2);
            }
        }

        await database.Database.CloseConnectionAsync(); // a slow client must not hold it
        if (groupBy == "area")
        {
            var areas = await routing.MapAsync(cancellationToken);
            rows = rows.ConvertAll(row => row with { Name = Guid.TryParse(row.Key, out var area) ? areas.NameOf(area) : null });
        }

        return TypedResults.Ok(new StatisticsResponse(groupBy, rows));
    }
}
