using System.Text.Json.Serialization;

namespace Kashif.Reporting.Reports;

/// <param name="Version">1 when created, incremented at each change; also the ETag.</param>
/// <param name="DuplicateOf">The id of the original report; absent unless the status is <c>duplicate</c>.</param>
/// <param name="DistanceKm">The distance from the requested point; absent without one.</param>
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
