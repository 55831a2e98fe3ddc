using System.Diagnostics.Metrics;
using Kashif.Reporting.Reports;
using Kashif.Telemetry;

namespace Kashif.Reporting;

internal sealed class ReportingMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _created = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("reports_created", "{report}", "Reports created, by category");

    private readonly Counter<long> _changed = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("report_status_changes", "{change}", "Status changes of reports, by the status reached");

    private readonly Counter<long> _overQuota = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("reports_over_quota", "{report}", "Reports rejected because their author exceeded the hourly quota");

    private readonly Counter<long> _overdue = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("reports_overdue", "{report}", "Open reports that passed their date");

    private readonly Counter<long> _imported = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("reports_imported", "{report}", "Reports imported from other systems, by status");

    private readonly Counter<long> _promises = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("report_promises", "{report}", "Promised times of reports, by their outcome: kept or missed");

    private readonly Counter<long> _asked = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("surveys_asked", "{survey}", "Reporters asked about a resolved report");

    private readonly Counter<long> _answered = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("surveys_answered", "{survey}", "Surveys that reporters answered");

    private readonly Counter<long> _told = meters.Create(KashifTelemetry.Name)
        .CreateCounter<long>("followers_told", "{follower}", "Followers told of a report, by what they follow: report or area");

    public void Created(string category) => _created.Add(1, new KeyValuePair<string, object?>("category", category));

    public void Changed(ReportStatus to) => _changed.Add(1, new KeyValuePair<string, object?>("status", to.WireName()));

    public void Overdue(int count) => _overdue.Add(count);

    public void Imported(ReportStatus status) => _imported.Add(1, new KeyValuePair<string, object?>("status", status.WireName()));

    /// <param name="kept">Whether the reports were resolved in time; false when the time passes.</param>
    public void Promised(bool kept, int count = 1) => _promises.Add(count, new KeyValuePair<string, object?>("outcome", kept ? "kept" : "missed"));

    public void SurveysAsked(int count) => _asked.Add(count);

    public void SurveyAnswered() => _answered.Add(1);

    /// <param name="follows">What they follow: <c>report</c> or <c>area</c>.</param>
    public void FollowersTold(string follows, int count) => _told.Add(count, new KeyValuePair<string, object?>("follows", follows));

    public void OverQuota() => _overQuota.Add(1);
}
