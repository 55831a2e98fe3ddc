namespace Kashif.Reporting.Photos;

/// <summary>A photo in its uploader's export.</summary>
internal sealed record ExportedPhoto(Guid Id, Guid? ReportId, string? Url, DateTimeOffset CreatedAt)
{
    public static ExportedPhoto From(Photo photo) => new(
        photo.Id, photo.ReportId, photo.ReportId is { } report ? PhotoResponse.PathOf(report, photo.Id) : null, photo.CreatedAt);
}
