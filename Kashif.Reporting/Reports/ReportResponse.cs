using System.Text.Json.Serialization;

namespace Kashif.Reporting.Reports;

/// <param name="Version">1 as filed, one more at each change; the report's ETag.</param>
/// <param name="DuplicateOf">The report that this one repeats; absent where it repeats none.</param>
/// <param name="DistanceKm">From the point that was asked for; absent where none was.</param>
internal sealed record ReportResponse(
    Guid Id,
    Guid UserId,
    string Title,
    string Description,
    string Category,
    ReportStatus Status,
    double Latitude,
    double Longitude,
    string? Address,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? DuplicateOf = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? DistanceKm = null)
{
    public static ReportResponse From(Report report) => new(
        report.Id,
        report.UserId,
        report.Title,
        report.Description,
        report.Category,
        report.Status,
        report.Latitude,
        report.Longitude,
        report.Address,
        report.CreatedAt,
        report.UpdatedAt,
        report.Version,
        report.DuplicateOf);
}
