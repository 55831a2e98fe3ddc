using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Photos;

/// <summary>
/// Deletes the files, then the rows, of photos that are deleted, whose report is gone, or whose upload never ended. A crash at any step repeats it;
/// replicas may do the same work at the same time.
/// </summary>
internal sealed class PhotoSweeper(IServiceScopeFactory scopes, TimeProvider time, IOptions<PhotoOptions> options, ILogger<PhotoSweeper> logger)
    : PeriodicService(scopes, options.Value.SweepInterval, time, logger)
{
    /// <summary>The filter of the index: photos that belong to no report.</summary>
    public const string Loose = "report_id IS NULL OR state <> 'attached'";

    private const int Batch = 100;

    /// <summary>Longer than any upload takes.</summary>
    private static readonly TimeSpan UploadLimit = TimeSpan.FromHours(1);

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        var store = services.GetRequiredService<IPhotoStore>();
        var before = _time.GetUtcNow() - UploadLimit;
        var loose = database.Photos.Where(photo => photo.ReportId == null || photo.State != PhotoState.Attached);

        // First, so that no upload that is late can attach what is being deleted.
        await loose.Where(photo => photo.State == PhotoState.Attached || (photo.State == PhotoState.Pending && photo.CreatedAt < before))
            .ExecuteUpdateAsync(set => set.SetProperty(photo => photo.State, PhotoState.Deleted), cancellationToken);
        while (true)
        {
            var gone = await loose.Where(photo => photo.State == PhotoState.Deleted).OrderBy(photo => photo.CreatedAt).Select(photo => photo.Id)
                .Take(Batch).ToListAsync(cancellationToken);
            foreach (var id in gone)
            {
                await store.DeleteAsync(id, cancellationToken);
                await database.Photos.Where(photo => photo.Id == id && photo.State == PhotoState.Deleted).ExecuteDeleteAsync(cancellationToken);
            }

            if (gone.Count < Batch)
            {
                return;
            }
        }
    }
}
