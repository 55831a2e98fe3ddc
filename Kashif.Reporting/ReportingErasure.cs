using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting;

/// <summary>
/// Keeps a deleted user's reports and their history, because they are about the city, without the user's id.
/// </summary>
internal sealed class ReportingErasure(ReportingDbContext database, ServiceIdentity service, TimeProvider time) : UserErasure(database, service, time)
{
    private readonly ReportingDbContext _database = database;

    protected override async Task EraseAsync(Guid userId, CancellationToken cancellationToken)
    {
        // Increments the version: the report has changed, and a concurrent change has read the old author.
        await _database.Reports.Where(report => report.UserId == userId).ExecuteUpdateAsync(
            set => set.SetProperty(report => report.UserId, ErasedUser.Id).SetProperty(report => report.Version, report => report.Version + 1), cancellationToken);
        await _database.StatusChanges.Where(change => change.ChangedBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(change => change.ChangedBy, ErasedUser.Id), cancellationToken);
        await _database.Photos.Where(photo => photo.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(photo => photo.UserId, ErasedUser.Id), cancellationToken);
        await _database.ReporterScores.Where(score => score.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.ReportQuotas.Where(quota => quota.UserId == userId).ExecuteDeleteAsync(cancellationToken);
    }
}
