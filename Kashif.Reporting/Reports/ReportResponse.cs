using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kashif.Reporting.Reports;

/// <summary>A report of something broken.</summary>
/// <param name="Id">The report's id.</param>
/// <param name="UserId">The user who created it; null for the public if the report is anonymous.</param>
/// <param name="Title" example="Deep pothole">A short title.</param>
/// <param name="Description" example="In the right lane, about 20 cm deep.">What is broken.</param>
/// <param name="Category" example="pothole">The code of the category.</param>
/// <param name="Status">The current status.</param>
/// <param name="Latitude" example="33.51">Degrees north, as in WGS 84.</param>
/// <param name="Longitude" example="36.29">Degrees east, as in WGS 84.</param>
/// <param name="Address" example="Straight Street, Damascus">The address in words; null if it is not known.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was last changed: its status, or an edit.</param>
/// <param name="DueAt">When it is to be resolved by its category's service level; null without one.</param>
/// <param name="ExpectedAt">When its reporter may expect it: from the time that similar reports took, else `due_at`; null for no promise.</param>
/// <param name="Version" example="1">1 when created, incremented at each change; the first number of the `ETag`.</param>
/// <param name="Anonymous" example="false">Whether the public may not learn who created it.</param>
/// <param name="Private" example="false">Whether only its creator and staff see it, by the creator's wish.</param>
/// <param name="Hidden" example="false">Whether only its creator and staff see it, by staff's decision.</param>
/// <param name="Votes" example="3">How many users have voted "me too".</param>
/// <param name="Comments" example="2">How many public comments it has.</param>
/// <param name="Photos" example="1">How many public photos it has.</param>
/// <param name="DuplicateOf">The id of the original report; absent unless the status is `duplicate`, and if the reader may not see the original. Lists name public originals only.</param>
/// <param name="DistanceKm" example="0.42">The distance from the requested point in kilometres; absent without one.</param>
/// <param name="AreaId">The smallest area that holds its place; absent for none.</param>
/// <param name="AgencyId">The agency that is responsible for it; absent for none.</param>
/// <param name="CapturedAt">When an app made it that was offline then; absent for others.</param>
/// <param name="Answers" example='{"size": "small"}'>The answers to the questions of the category that the reader may see, by the questions' codes; absent in lists and without any.</param>
internal sealed record ReportResponse(
    Guid Id,
    Guid? UserId,
    string Title,
    string Description,
    string Category,
    ReportStatus Status,
    double Latitude,
    double Longitude,
    string? Address,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? DueAt,
    DateTimeOffset? ExpectedAt,
    int Version,
    bool Anonymous,
    bool Private,
    bool Hidden,
    int Votes,
    int Comments,
    int Photos,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? DuplicateOf = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? DistanceKm = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? AreaId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? AgencyId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? CapturedAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, JsonElement>? Answers = null)
{
    /// <param name="view">What the reader may see. Check first with <see cref="ReportVisibility.ViewOf"/> that they may see the report at all.</param>
    /// <param name="distanceKm">The distance from the requested point.</param>
    /// <param name="seesOriginal">Whether the reader may see the original of a duplicate that the public may not see.</param>
    public static ReportResponse From(Report report, View view, double? distanceKm = null, bool seesOriginal = false) => new(
        report.Id,
        view is View.Public && report.Anonymous ? null : report.UserId,
        report.Title,
        report.Description,
        report.Category,
        report.Status,
        report.Latitude,
        report.Longitude,
        report.Address,
        report.CreatedAt,
        report.UpdatedAt,
        report.DueAt,
        report.ExpectedAt,
        report.Version,
        report.Anonymous,
        report.Private,
        report.Hidden,
        report.Votes,
        report.Comments,
        report.Photos,
        report.OriginalHidden && !seesOriginal ? null : report.DuplicateOf,
        distanceKm,
        report.AreaId,
        report.AgencyId,
        report.CapturedAt);
}
