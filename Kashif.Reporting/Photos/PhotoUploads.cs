using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Photos;

/// <summary>
/// The one way by which photos come in, in two steps, because the files are not in the caller's transaction:
/// <code>
/// var (photo, error) = await uploads.PrepareAsync(userId, content, cancellationToken);   // before the transaction
/// await using var transaction = await work.BeginAsync(cancellationToken);
/// error = await uploads.AttachAsync(photo, report.Id, cancellationToken);                // the report may be a new one of this transaction
/// return await work.CommitAsync(…);
/// </code>
/// <see cref="PhotoSweeper"/> deletes a prepared photo that is never attached.
/// </summary>
internal sealed class PhotoUploads(
    ReportingDbContext database, IServiceScopeFactory scopes, PhotoProcessor processor, IPhotoStore store, PhotoMetrics metrics, TimeProvider time)
{
    public const int MaxBytes = 10 * 1024 * 1024;
    public const int MaxPerReport = 10;

    public static Error TooMany { get; } = Error.Rule("too_many_photos", "A report can have at most 10 photos.");

    private static Error OtherFormat { get; } = Error.Rule("invalid_photo", "The photo is not a JPEG, PNG or WebP image.");

    private static Error TwoFiles { get; } = Error.Rule("invalid_photo", "The file holds another file besides the photo. Send the photo alone.");

    private static Error TooManyPixels { get; } = Error.Rule("invalid_photo", "The photo has too many pixels. At most 50 million, and 30,000 on a side.");

    private static Error Damaged { get; } = Error.Rule("invalid_photo", "The photo is damaged or cannot be read.");

    /// <summary>Reads the pixels, and stores them in three sizes. Nothing else of the upload is kept.</summary>
    /// <param name="userId">Who uploads it.</param>
    /// <param name="content">The upload; more than <see cref="MaxBytes"/> are a 413.</param>
    /// <returns>The photo, or the error.</returns>
    public async Task<(Photo? Photo, Error? Error)> PrepareAsync(Guid userId, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (content.Length > MaxBytes)
        {
            return (null, Rejected(Error.TooLarge(MaxBytes)));
        }

        // Known without a process.
        var (processed, verdict) = PhotoFormats.Of(content.Span) switch
        {
            null => (null, PhotoVerdict.OtherFormat),
            { } format when SecondFile.IsIn(content.Span, format) => (null, PhotoVerdict.TwoFiles),
            _ => await processor.ProcessAsync(content, cancellationToken),
        };
        if (processed is null)
        {
            return (null, Rejected(verdict switch
            {
                PhotoVerdict.OtherFormat => OtherFormat,
                PhotoVerdict.TwoFiles => TwoFiles,
                PhotoVerdict.TooManyPixels => TooManyPixels,
                _ => Damaged,
            }));
        }

        var photo = Photo.Create(userId, processed, time.GetUtcNow());
        await using (var scope = scopes.CreateAsyncScope())
        {
            // A transaction of its own commits the row before the files are written.
            var own = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
            own.Photos.Add(photo);
            await own.SaveChangesAsync(cancellationToken);
        }

        await store.PutAsync(photo.Id, PhotoSize.Thumb, photo.Format, processed.Thumb, cancellationToken);
        await store.PutAsync(photo.Id, PhotoSize.Medium, photo.Format, processed.Medium, cancellationToken);
        await store.PutAsync(photo.Id, PhotoSize.Original, photo.Format, processed.Original, cancellationToken);
        metrics.Stored(photo.Format);
        return (photo, null);
    }

    /// <summary>Makes the photo one of the report's. Call it in the transaction that ends the request; it locks the report until then.</summary>
    /// <returns>Null, or the error: then roll back.</returns>
    public async Task<Error?> AttachAsync(Photo photo, Guid reportId, CancellationToken cancellationToken)
    {
        if (await database.LockAsync(reportId, cancellationToken) is null)
        {
            return ReportErrors.NotFound; // deleted while the photo was decoded
        }

        if (await IsFullAsync(database, reportId, cancellationToken))
        {
            return Rejected(TooMany);
        }

        var attached = await database.Photos.Where(row => row.Id == photo.Id && row.State == PhotoState.Pending).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.State, PhotoState.Attached).SetProperty(row => row.ReportId, reportId), cancellationToken);
        if (attached == 0)
        {
            throw new InvalidOperationException("The photo has been deleted: it waited too long for its report.");
        }

        await database.CountAsync(reportId, photos: 1, cancellationToken: cancellationToken);
        return null;
    }

    /// <summary>The limit includes hidden photos.</summary>
    public static async Task<bool> IsFullAsync(ReportingDbContext database, Guid reportId, CancellationToken cancellationToken) =>
        await database.Photos.CountAsync(row => row.ReportId == reportId && row.State == PhotoState.Attached, cancellationToken) >= MaxPerReport;

    private Error Rejected(Error error)
    {
        metrics.Rejected(error.Code);
        return error;
    }
}
