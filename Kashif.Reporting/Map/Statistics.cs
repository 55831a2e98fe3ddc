using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Map;

/// <summary>The reports of one category, status, area, month or day.</summary>
/// <param name="Key" example="pothole">The category's code, the status, the area's id or `none`, the month (`2026-11`) or the day (`2026-11-29`), in UTC.</param>
/// <param name="Count" example="120">How many reports.</param>
/// <param name="Open" example="30">How many are submitted, verified or in progress.</param>
/// <param name="Resolved" example="80">How many are resolved.</param>
/// <param name="Overdue" example="5">How many are open and have passed their promised time.</param>
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

    /// <summary>The number of a report's group, and the key of a number.</summary>
    private static readonly Dictionary<string, (Func<PublicReport, int> NumberOf, Func<PublicReports, int, string> KeyOf)> Keys = new()
    {
        ["category"] = (report => report.Category, (reports, number) => reports.Categories[number]),
        ["status"] = (report => report.StatusNumber, (_, number) => ((ReportStatus)number).WireName()),
        ["area"] = (report => report.Area, (reports, number) => number == 0 ? "none" : reports.Areas[number - 1].ToString()),
        ["month"] = (report => (report.CreatedAt.Year * 12) + report.CreatedAt.Month - 1, (_, number) => $"{number / 12:0000}-{(number % 12) + 1:00}"),
        ["day"] = (report => DateOnly.FromDateTime(report.CreatedAt).DayNumber, (_, number) => DateOnly.FromDayNumber(number).ToString("O", CultureInfo.InvariantCulture)),
    };

    /// <param name="groupBy" example="category">`category`, `status`, `area`, `month` or `day`.</param>
    /// <param name="bbox" example="36.2,33.4,36.4,33.6">Only reports inside `west,south,east,north` in degrees.</param>
    public static async Task<Results<Ok<StatisticsResponse>, ValidationProblem>> ReadAsync(
        [FromQuery(Name = "group_by"), Values("category", "status", "area", "month", "day"), DefaultValue("category")] string? groupBy,
        [FromQuery(Name = "bbox"), Text(1, 200)] string? bbox,
        [AsParameters] MapQuery query,
        HttpContext http,
        PublicReports reports,
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

        await reports.RefreshAsync(cancellationToken);
        var now = time.GetUtcNow().UtcDateTime;
        var groups = new Dictionary<int, Group>();
        reports.Visit(filter, filter.Areas, (in PublicReport report) =>
        {
            ref var group = ref CollectionsMarshal.GetValueRefOrAddDefault(groups, key.NumberOf(report), out _);
            (group ??= new Group()).Add(report, now);
            return true;
        });
        var rows = groups.Select(pair => pair.Value.ToRow(key.KeyOf(reports, pair.Key))).OrderBy(row => row.Key, StringComparer.Ordinal).TakeLast(MostRows).ToList();
        if (groupBy == "area")
        {
            var areas = await routing.MapAsync(cancellationToken);
            rows = rows.ConvertAll(row => row with { Name = Guid.TryParse(row.Key, out var area) ? areas.NameOf(area) : null });
        }

        return TypedResults.Ok(new StatisticsResponse(groupBy, rows));
    }

    private sealed class Group
    {
        private readonly List<float> _hours = [];
        private int _count;
        private int _open;
        private int _resolved;
        private int _overdue;

        public void Add(in PublicReport report, DateTime now)
        {
            var isOpen = report.Status.IsOpen();
            _count++;
            _open += isOpen ? 1 : 0;
            _resolved += report.Status is ReportStatus.Resolved ? 1 : 0;
            _overdue += isOpen && report.ExpectedAt < now ? 1 : 0;
            if (!float.IsNaN(report.HoursToResolve))
            {
                _hours.Add(report.HoursToResolve);
            }
        }

        public StatisticsRow ToRow(string key)
        {
            _hours.Sort();
            return new StatisticsRow(key, _count, _open, _resolved, _overdue, HoursOf(0.5), HoursOf(0.9));
        }

        /// <summary>Between the two nearest, as PostgreSQL's <c>percentile_cont</c>.</summary>
        private double? HoursOf(double part)
        {
            if (_hours.Count == 0)
            {
                return null;
            }

            var rank = part * (_hours.Count - 1);
            var (below, above) = (_hours[(int)rank], _hours[(int)Math.Ceiling(rank)]);
            return Math.Round(below + ((rank - (int)rank) * (above - below)), 2);
        }
    }
}
