using System.Collections.Frozen;
using System.Text.Json;

namespace Kashif.Reporting.Reports;

/// <summary>The status of a report. It starts as <c>submitted</c>; <c>resolved</c>, <c>rejected</c>, <c>duplicate</c> and <c>withdrawn</c> close it.</summary>
public enum ReportStatus
{
    Submitted,
    Verified,
    InProgress,
    Resolved,
    Rejected,
    Duplicate,
    Withdrawn,
}

/// <summary>The statuses' names in JSON, events and the database.</summary>
internal static class ReportStatuses
{
    private static readonly string[] Names =
        [.. Enum.GetNames<ReportStatus>().Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)];

    private static readonly FrozenDictionary<string, ReportStatus> ByName =
        Enum.GetValues<ReportStatus>().ToFrozenDictionary(status => status.WireName());

    public static IReadOnlyList<string> WireNames => Names;

    public static ReportStatus Parse(string wireName) => ByName[wireName];

    public static bool TryParse(string wireName, out ReportStatus status) => ByName.TryGetValue(wireName, out status);

    /// <summary>The statuses of reports that are not closed.</summary>
    public static readonly ReportStatus[] Open = [ReportStatus.Submitted, ReportStatus.Verified, ReportStatus.InProgress];

    /// <summary><see cref="Open"/> as a condition in SQL.</summary>
    public const string OpenSql = "status IN ('submitted', 'verified', 'in_progress')";

    public static bool IsOpen(this ReportStatus status) => Open.Contains(status);

    public static string WireName(this ReportStatus status) => Names[(int)status];
}
