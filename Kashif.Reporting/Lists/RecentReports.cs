using BitFaster.Caching.Lru;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>
/// The public reports that lists have read lately. An entry is valid if it is as new as the report in <see cref="PublicReports"/>, and not from before a restore, so no
/// change has to remove it.
/// </summary>
internal sealed class RecentReports
{
    /// <summary>Some ten megabytes; ninety, if all have the longest texts.</summary>
    private const int Most = 10_000;

    private readonly ConcurrentLru<Guid, (int Loads, int Changes, ReportResponse Report)> _reports = new(Most);

    /// <param name="loads">See <see cref="PublicReports.Loads"/>.</param>
    public ReportResponse? Get(int loads, FoundReport found) =>
        _reports.TryGet(found.Id, out var entry) && (entry.Loads, entry.Changes) == (loads, found.Changes) ? entry.Report : null;

    /// <param name="report">In the view of the public, without a distance.</param>
    public void Add(int loads, int changes, ReportResponse report) => _reports.AddOrUpdate(report.Id, (loads, changes, report));
}
