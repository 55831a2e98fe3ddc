using Kashif.Gamification.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>
/// Books what is left of credits whose time is up. A batch is one transaction; the <see cref="AwardLock"/> keeps the replicas apart, and
/// the cause names the credit, so nothing expires twice.
/// </summary>
internal sealed partial class ExpiryService(IServiceScopeFactory scopes, TimeProvider time, ILogger<ExpiryService> logger) : HourlyService(scopes, time, logger)
{
    /// <summary>In credits. Awards wait for a batch, which reads the whole ledgers of its users.</summary>
    private const int BatchSize = 20;

    private readonly IServiceScopeFactory _scopes = scopes;
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;

    public static string Cause(DueLot lot) =>
        lot.Expiries == 0 ? $"expiry:{lot.Credit}" : FormattableString.Invariant($"expiry:{lot.Credit}:{lot.Expiries + 1}");

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var (users, points) = (0, 0L);
        for (var more = true; more;)
        {
            // A scope of its own: a context keeps the balances that it has read.
            await using var scope = _scopes.CreateAsyncScope();
            (more, var batchUsers, var batchPoints) = await ExpireAsync(scope.ServiceProvider, cancellationToken);
            users += batchUsers;
            points += batchPoints;
        }

        if (points > 0)
        {
            Expired(_logger, points, users);
        }
    }

    private async Task<(bool More, int Users, long Points)> ExpireAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<GamificationDbContext>();
        var ledger = services.GetRequiredService<PointsLedger>();
        var now = _time.GetUtcNow();
        if (!await database.Expiries.AnyAsync(row => row.ExpiresAt <= now, cancellationToken))
        {
            return (false, 0, 0);
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        var due = await database.Expiries.AsNoTracking().Where(row => row.ExpiresAt <= now).OrderBy(row => row.ExpiresAt).Take(BatchSize).ToListAsync(cancellationToken);
        Guid[] users = [.. due.Select(row => row.UserId).Distinct().Order()];

        // Before the entries are read: debits do not take the lock of awards.
        await database.Database.ExecuteSqlAsync($"SELECT FROM balances WHERE user_id = ANY ({users}) ORDER BY user_id FOR UPDATE", cancellationToken);
        var bookings = new List<Booking>();
        foreach (var (userId, lots) in await LotsAsync(database, users, cancellationToken))
        {
            bookings.AddRange(lots.DueAt(now).Select(lot =>
                new Booking(userId, -lot.Points, EntryKind.Expired, PointTransaction.ExpiredPoints, Cause(lot)) { Reverses = lot.Credit }));
        }

        var entries = await ledger.BookAsync(await ledger.NewAsync(bookings, cancellationToken), cancellationToken);
        await database.Expiries.Where(row => users.Contains(row.UserId) && row.ExpiresAt <= now).ExecuteDeleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await ledger.CommittedAsync(cancellationToken);
        return (due.Count == BatchSize, users.Length, -entries.Sum(entry => (long)entry.Points));
    }

    private static async Task<Dictionary<Guid, ExpiringLots>> LotsAsync(GamificationDbContext database, Guid[] users, CancellationToken cancellationToken)
    {
        var lots = users.ToDictionary(user => user, _ => new ExpiringLots());
        await foreach (var move in LedgerMove.Of(database.Transactions.Where(entry => users.Contains(entry.UserId))).WithCancellation(cancellationToken))
        {
            lots[move.UserId].Add(move);
        }

        return lots;
    }

    [LoggerMessage(EventId = 3011, Level = LogLevel.Information, Message = "{Points} points of {Users} users have expired")]
    private static partial void Expired(ILogger logger, long points, int users);
}
