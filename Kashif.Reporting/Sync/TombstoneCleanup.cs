using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Sync;

/// <summary>Forgets deleted reports after <see cref="SyncOptions.KeepTombstonesFor"/>, and deleted reports that were never public at once.</summary>
internal sealed class TombstoneCleanup(IServiceScopeFactory scopes, IOptions<SyncOptions> options, TimeProvider time, ILogger<TombstoneCleanup> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        // A day more, so that no cursor that is still valid reads past a tombstone that is gone.
        var oldest = _time.GetUtcNow() - options.Value.KeepTombstonesFor - TimeSpan.FromDays(1);
        await services.GetRequiredService<ReportingDbContext>().ReportChanges
            .Where(change => change.DeletedAt != null && (change.DeletedAt < oldest || !change.WasPublic)).ExecuteDeleteAsync(cancellationToken);
    }
}
