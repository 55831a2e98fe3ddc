using Kashif.Gamification.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>Held until the transaction ends: awards, erasures and corrections of totals run one at a time.</summary>
internal static class AwardLock
{
    /// <summary>The key of the advisory lock; must be unique in this database.</summary>
    internal const long Key = 4_711_001;

    public static Task TakeAsync(GamificationDbContext database, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Key})", cancellationToken);
}
