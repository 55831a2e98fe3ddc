using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Kashif.Messaging.Outbox;

/// <summary>Wakes the relay of this process when a transaction that wrote to the outbox has committed.</summary>
public sealed class OutboxSignal : WakeSignal;

/// <summary>
/// Sets the signal after the commit: at once where the save was its own transaction, else when the caller's transaction
/// commits. An extra wake costs one empty query; the relay's poll makes up for a missing one.
/// </summary>
internal sealed class OutboxSignalInterceptor(OutboxSignal signal) : DbTransactionInterceptor, ISaveChangesInterceptor
{
    public override void TransactionCommitted(DbTransaction transaction, TransactionEndEventData eventData) => signal.Set();

    public override Task TransactionCommittedAsync(
        DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        signal.Set();
        return Task.CompletedTask;
    }

    public ValueTask<int> SavedChangesAsync(SaveChangesCompletedEventData eventData, int result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is { Database.CurrentTransaction: null } context
            && context.ChangeTracker.Entries<OutboxMessage>().Any())
        {
            signal.Set();
        }

        return ValueTask.FromResult(result);
    }
}
