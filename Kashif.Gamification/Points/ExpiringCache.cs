using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Gamification.Points;

/// <summary>
/// Caches in this process which of a user's points expire next. That follows from the entries alone, so it holds until the version of the
/// balance changes.
/// </summary>
internal sealed class ExpiringCache : IDisposable
{
    private static readonly TimeSpan Unused = TimeSpan.FromHours(1);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    public void Dispose() => _cache.Dispose();

    public async Task<ExpiringPoints?> GetAsync(Balance balance, GamificationDbContext database, CancellationToken cancellationToken)
    {
        if (_cache.TryGetValue(balance.UserId, out Known? known) && known?.Version == balance.Version)
        {
            return known.Expiring;
        }

        var lots = ExpiringLots.Of(await LedgerMove.Of(database.Transactions.Where(entry => entry.UserId == balance.UserId)).ToListAsync(cancellationToken));
        var expiring = lots.Next() is var (points, at) ? new ExpiringPoints(points, at) : null;
        _cache.Set(balance.UserId, new Known(balance.Version, expiring), new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = Unused });
        return expiring;
    }

    private sealed record Known(long Version, ExpiringPoints? Expiring);
}
