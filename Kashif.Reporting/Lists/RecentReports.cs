using BitFaster.Caching.Lru;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>
/// The public reports that lists have read lately. An entry is valid if it is as new as the report in <see cref="PublicReports"/>, so no change has to remove it.
/// </summary>
internal sealed class RecentReports
{
    /// <summary>Some ten megabytes.</summary>
    private const int Most = 10_000;

    private readonly ConcurrentLru<Guid, (int Changes, ReportResponse Report)> _reports = new(Most);

    public ReportResponse? Get(FoundReport found) => _reports.TryGet(found.Id, out var entry) && entry.Changes == found.Changes ? entry.Report : null;

    /// <param name="report">In the view of the public, without a distance.</param>
    public void Add(int changes, ReportResponse report) => _reports.AddOrUpdate(report.Id, (changes, report));
}
