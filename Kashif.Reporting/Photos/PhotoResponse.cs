using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Kashif.Reporting.Reports;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Photos;

/// <summary>A photo of a report.</summary>
/// <param name="Id">The photo's id.</param>
/// <param name="Url" example="/api/v1/reports/0198f0a0-1111-7000-8000-000000000001/photos/0198f0a0-1111-7000-8000-000000000001">The photo's path; add `?size=thumb` or `?size=medium` for a smaller one.</param>
/// <param name="ContentType" example="image/jpeg">The type of the photo. The smaller sizes are JPEG.</param>
/// <param name="Width" example="4000">In pixels, upright.</param>
/// <param name="Height" example="3000">In pixels, upright.</param>
/// <param name="Size" example="1841738">In bytes.</param>
/// <param name="Hidden" example="false">Whether only staff and the report's owner see it, by a moderator's decision.</param>
/// <param name="UserId">The user who uploaded it; null for the public where it was the reporter of an anonymous report.</param>
/// <param name="CreatedAt">When it was uploaded.</param>
internal sealed record PhotoResponse(
    Guid Id, string Url, string ContentType, int Width, int Height, int Size, bool Hidden, Guid? UserId, DateTimeOffset CreatedAt)
{
    public static PhotoResponse From(Photo photo, Report report, View view) => new(
        photo.Id,
        PathOf(report.Id, photo.Id),
        photo.Format.ContentType(),
        photo.Width,
        photo.Height,
        photo.Size,
        photo.Hidden,
        view is View.Public && report.Anonymous && photo.UserId == report.UserId ? null : photo.UserId,
        photo.CreatedAt);

    public static string PathOf(Guid reportId, Guid photoId) => $"/api/v1/reports/{reportId}/photos/{photoId}";
}

/// <summary>A change of a photo.</summary>
/// <param name="Hidden" example="true">Whether only staff and the report's owner may see it.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ChangePhotoRequest(bool Hidden);

/// <summary>Which file of a photo.</summary>
public sealed class PhotoFileQuery
{
    /// <summary>`thumb`: at most 256 pixels on a side. `medium`: at most 1024. `original`: all pixels.</summary>
    [FromQuery(Name = "size"), RegularExpression("original|medium|thumb", ErrorMessage = "Must be original, medium or thumb."), DefaultValue("original")]
    public string? Size { get; set; }

    internal PhotoSize Parsed => Size switch
    {
        "thumb" => PhotoSize.Thumb,
        "medium" => PhotoSize.Medium,
        _ => PhotoSize.Original,
    };
}
