using System.Collections.Concurrent;
using System.ComponentModel;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Promises;

/// <summary>The promises of one category in one area.</summary>
/// <param name="Category" example="pothole">The code of the category.</param>
/// <param name="AreaId">The area; null for reports that are in none.</param>
/// <param name="Made" example="120">How many reports had a promise.</param>
/// <param name="Kept" example="90">How many were resolved in time, and are resolved now.</param>
/// <param name="Missed" example="20">How many were not: resolved later, or still open.</param>
/// <param name="Score" example="81.8">The share of kept promises among the kept and missed ones, in per cent; null if no promise was kept or missed.</param>
internal sealed record PromiseScore(string Category, Guid? AreaId, int Made, int Kept, int Missed, double? Score);

/// <summary>How the city keeps its promises. Only public reports count.</summary>
/// <param name="From">The reports were filed then or later.</param>
/// <param name="To">The reports were filed before.</param>
/// <param name="Made" example="120">How many reports had a promise. Rejected and withdrawn reports and duplicates do not count.</param>
/// <param name="Kept" example="90">How many were resolved in time, and are resolved now.</param>
/// <param name="Missed" example="20">How many were not: resolved later, or still open.</param>
/// <param name="Score" example="81.8">The share of kept promises among the kept and missed ones, in per cent; null if no promise was kept or missed.</param>
/// <param name="Items">The same by category and area.</param>
internal sealed record PromiseScores(DateTimeOffset From, DateTimeOffset To, int Made, int Kept, int Missed, double? Score, IReadOnlyList<PromiseScore> Items)
{
    public static double? ScoreOf(int kept, int missed) => kept + missed == 0 ? null : Math.Round(100.0 * kept / (kept + missed), 1);
}

/// <summary>Filters of the scores.</summary>
public sealed class PromiseQuery
{
    /// <summary>Only this category, by its code.</summary>
    /// <example>pothole</example>
    [FromQuery(Name = "category"), Text(1, Categories.Category.CodeMax)]
    public string? Category { get; set; }

    /// <summary>Only this area, by its id.</summary>
    [FromQuery(Name = "area")]
    public Guid? Area { get; set; }

    /// <summary>Reports of so many last days: `30`, `90` or `365`.</summary>
    /// <example>90</example>
    [FromQuery(Name = "days"), DefaultValue(PromiseScoreCache.LongestDays)]
    public int? Days { get; set; }
}

/// <summary>Counts the promises of each period at most once a minute. Requests in between get the same numbers.</summary>
internal sealed class PromiseScoreCache(TimeProvider time) : IDisposable
{
    public const int LongestDays = 365;

    /// <summary>How old the scores may be.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<int, PromiseScores> _periods = new();
    private readonly SemaphoreSlim _counting = new(1);

    public static int[] Days { get; } = [30, 90, LongestDays];

    public void Dispose() => _counting.Dispose();

    public async Task<PromiseScores> ReadAsync(int days, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (Known(days) is { } known)
        {
            return known;
        }

        await _counting.WaitAsync(cancellationToken); // without a connection: a count of a year reads many reports
        try
        {
            return Known(days) ?? (_periods[days] = await CountAsync(days, database, cancellationToken));
        }
        finally
        {
            _counting.Release();
        }
    }

    private PromiseScores? Known(int days) => _periods.GetValueOrDefault(days) is { } scores && time.GetUtcNow() < scores.To + Lifetime ? scores : null;

    private async Task<PromiseScores> CountAsync(int days, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var since = now.AddDays(-days);
        var rows = await database.Database.SqlQueryRaw<Row>($$"""
            SELECT category, area_id, count(*)::int AS made,
                (count(*) FILTER (WHERE resolution.at <= expected_at))::int AS kept,
                (count(*) FILTER (WHERE resolution.at > expected_at OR ({{ReportStatuses.OpenSql}} AND expected_at < {2})))::int AS missed
            FROM reports LEFT JOIN LATERAL ({{PromiseMeasurement.FinalResolution}} AND reports.status = 'resolved') AS resolution ON true
            WHERE {{ReportVisibility.PublicSql}} AND expected_at IS NOT NULL AND status NOT IN ('rejected', 'duplicate', 'withdrawn')
                AND id > {0} AND created_at >= {1}
            GROUP BY category, area_id ORDER BY category, area_id
            """, TimeOrderedId.Before(since), since, now).ToListAsync(cancellationToken);
        return Sum(since, now, rows.ConvertAll(
            row => new PromiseScore(row.Category, row.AreaId, row.Made, row.Kept, row.Missed, PromiseScores.ScoreOf(row.Kept, row.Missed))));
    }

    public static PromiseScores Sum(DateTimeOffset from, DateTimeOffset to, IReadOnlyList<PromiseScore> items)
    {
        var (kept, missed) = (items.Sum(item => item.Kept), items.Sum(item => item.Missed));
        return new PromiseScores(from, to, items.Sum(item => item.Made), kept, missed, PromiseScores.ScoreOf(kept, missed), items);
    }

    private sealed record Row(string Category, Guid? AreaId, int Made, int Kept, int Missed);
}

internal static class PromiseEndpoints
{
    public static IServiceCollection AddPromises(this IServiceCollection services)
    {
        services.AddOptions<PromiseOptions>().BindConfiguration(PromiseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IPromisedTimes, PromisedTimes>();
        services.AddSingleton<PromiseScoreCache>();
        services.AddHostedService<PromiseMeasurement>();
        return services;
    }

    public static IEndpointRouteBuilder MapPromises(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/reports/promises", ReadAsync).DisableValidation().AllowAnonymous().WithPublicCache(PromiseScoreCache.Lifetime).WithTags("Map")
            .WithName("GetPromises").WithSummary("Get the city's score of kept promises")
            .WithDescription("A promise is a report's `expected_at`. A report that was reopened counts by its final resolution.");
        return endpoints;
    }

    private static async Task<Results<Ok<PromiseScores>, ValidationProblem>> ReadAsync(
        [AsParameters] PromiseQuery query, HttpContext http, PromiseScoreCache scores, CategoryCache categories, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        errors.Add("category", query.Category is { } code ? await categories.ValidateFilterAsync(code, cancellationToken) : null);
        errors.Add("days", query.Days is null || PromiseScoreCache.Days.Contains(query.Days.Value) ? null : "Must be 30, 90 or 365.");
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var all = await scores.ReadAsync(query.Days ?? PromiseScoreCache.LongestDays, database, cancellationToken);
        return TypedResults.Ok(query is { Category: null, Area: null }
            ? all
            : PromiseScoreCache.Sum(all.From, all.To, [.. all.Items.Where(item => (query.Category ?? item.Category) == item.Category && (query.Area ?? item.AreaId) == item.AreaId)]));
    }
}
