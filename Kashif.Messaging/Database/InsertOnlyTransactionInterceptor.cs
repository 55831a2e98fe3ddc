using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Kashif.Messaging.Database;

/// <summary>
/// Saves that only insert go to PostgreSQL as one batch, which the server runs as one implicit transaction: the explicit one
/// would add two round trips and protect nothing. A save that updates or deletes keeps it, because EF compares the affected
/// rows only after the batch has run.
/// </summary>
/// <remarks>
/// A save of four rows takes 30 % less time, and 15 % less in a caller's transaction, where it spares the savepoint (medians of 5,000
/// saves each, PostgreSQL on the same machine without fsync).
/// </remarks>
internal sealed class InsertOnlyTransactionInterceptor : SaveChangesInterceptor
{
    /// <summary>Well below the 1000 statements at which the provider begins another batch.</summary>
    private const int LargestBatch = 500;

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is { } context)
        {
            // No savepoints: a failed save aborts the caller's transaction.
            context.Database.AutoSavepointsEnabled = false;
            context.Database.AutoTransactionBehavior = InsertsOneBatch(context)
                ? AutoTransactionBehavior.Never
                : AutoTransactionBehavior.WhenNeeded;
        }

        return ValueTask.FromResult(result);
    }

    private static bool InsertsOneBatch(DbContext context)
    {
        var inserts = 0;
        foreach (var entry in context.ChangeTracker.Entries())
        {
            if (entry.State is EntityState.Modified or EntityState.Deleted || (entry.State is EntityState.Added && ++inserts > LargestBatch))
            {
                return false;
            }
        }

        return true;
    }
}
