using System.Text.Json;
using Kashif.Reporting.Categories;

namespace Kashif.Reporting.Reports;

/// <summary>Where a report belongs.</summary>
/// <param name="AreaId">The smallest area that holds its place; null for none.</param>
/// <param name="AgencyId">The agency that is responsible; null for none: then all staff are.</param>
/// <param name="Details">What a report's history tells of the agency; null without a history entry.</param>
internal readonly record struct ReportRoute(Guid? AreaId, Guid? AgencyId, JsonElement? Details = null);

/// <summary>Finds where a report belongs.</summary>
internal interface IReportRouting
{
    ValueTask<ReportRoute> RouteAsync(string category, double latitude, double longitude, CancellationToken cancellationToken);
}

/// <summary>The times within which reports have been resolved, which are promised for new ones.</summary>
internal interface IPromisedTimes
{
    /// <param name="areaId">The smallest area that holds the report's place; null for none.</param>
    /// <returns>Null while too few reports have been resolved: then the service level holds.</returns>
    ValueTask<TimeSpan?> TimeToResolveAsync(string category, Guid? areaId, CancellationToken cancellationToken);
}

/// <summary>What the city's rules say about a report of a category at a place.</summary>
/// <param name="DueAt">When the category's service level wants it resolved; null without one.</param>
/// <param name="ExpectedAt">When its reporter may expect it; null for no promise.</param>
internal sealed record ReportTerms(DateTimeOffset? DueAt, DateTimeOffset? ExpectedAt, ReportRoute Route);

/// <summary>The terms of a new report, and of one whose category changes.</summary>
internal sealed class ReportRules(CategoryCache categories, IReportRouting routing, IPromisedTimes promises)
{
    /// <param name="filedAt">The dates count from here.</param>
    public async ValueTask<ReportTerms> TermsAsync(string category, double latitude, double longitude, DateTimeOffset filedAt, CancellationToken cancellationToken)
    {
        var route = await routing.RouteAsync(category, latitude, longitude, cancellationToken);
        var due = await categories.ServiceLevelAsync(category, cancellationToken) is { } level ? filedAt + level : (DateTimeOffset?)null;
        var expected = await promises.TimeToResolveAsync(category, route.AreaId, cancellationToken) is { } usual ? filedAt + usual : due;
        return new ReportTerms(due, expected, route);
    }

    public ValueTask<ReportTerms> TermsAsync(NewReport filed, DateTimeOffset filedAt, CancellationToken cancellationToken) =>
        TermsAsync(filed.Category, filed.Latitude, filed.Longitude, filedAt, cancellationToken);
}
