using System.Runtime.InteropServices;
using Kashif.Messaging;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>What lists, maps and statistics know of a public report: 64 bytes.</summary>
/// <param name="CreatedAt">In UTC.</param>
/// <param name="ExpectedAt">The promised time in UTC; <see cref="DateTime.MaxValue"/> without one.</param>
/// <param name="Changes">Greater after each change that a reader can see.</param>
/// <param name="HoursToResolve">Not a number unless it is resolved.</param>
/// <param name="Category">Its number in <see cref="PublicReports.Categories"/>.</param>
/// <param name="Area">Its number in <see cref="PublicReports.Areas"/>, counted from 1; 0 for none.</param>
/// <param name="StatusNumber">A byte instead of an enum's four.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PublicReport(
    Guid Id, double Latitude, double Longitude, DateTime CreatedAt, DateTime ExpectedAt, int Changes, float HoursToResolve, short Category, short Area, byte StatusNumber)
{
    public ReportStatus Status => (ReportStatus)StatusNumber;

    public Place Place => new(Latitude, Longitude);
}

/// <summary>Which public reports a list, a map or a statistic has, besides those of its part of the earth. Null and empty mean all.</summary>
internal record PublicReportQuery
{
    public IReadOnlyList<string> Categories { get; init; } = [];

    public IReadOnlyList<ReportStatus> Statuses { get; init; } = [];

    public Guid? AreaId { get; init; }

    /// <summary>Created then or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Created before.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>All ids of its reports are greater, because an id tells the millisecond of its creation; null for no bound.</summary>
    public Guid? IdAfter => From is { } from ? TimeOrderedId.Before(from) : null;

    /// <summary>Likewise, all are smaller.</summary>
    public Guid? IdBefore => To is { } to && to < DateTimeOffset.MaxValue - IdPrecision ? TimeOrderedId.Before(to + IdPrecision) : null;

    /// <summary><see cref="TimeOrderedId.Before"/> is of the millisecond before, and the last id may be of the same millisecond as the bound.</summary>
    private static readonly TimeSpan IdPrecision = TimeSpan.FromMilliseconds(2);
}

/// <summary>Tells which public reports match a query. It is for one reading of the reports: later ones may have new categories.</summary>
/// <param name="categories">By the numbers of the categories.</param>
/// <param name="statuses">By the numbers of the statuses.</param>
/// <param name="area">The number of the area; null for all, and -1 for one without reports.</param>
/// <param name="to">Excluded.</param>
internal sealed class PublicReportFilter(bool[] categories, bool[] statuses, int? area, DateTime from, DateTime to)
{
    /// <summary>Whether no report can match.</summary>
    public bool MatchesNone => area == -1 || from >= to || !categories.Contains(true);

    public bool Matches(in PublicReport report) =>
        categories[report.Category] && statuses[report.StatusNumber] && report.CreatedAt >= from && report.CreatedAt < to && (area is null || report.Area == area);
}
