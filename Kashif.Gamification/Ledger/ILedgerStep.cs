namespace Kashif.Gamification.Ledger;

/// <summary>What else changes with the ledger, such as totals that are computed from it. A scoped service.</summary>
internal interface ILedgerStep
{
    /// <summary>Called with the entries of a booking before they are saved, in their transaction. Debits of a client are not passed here.</summary>
    Task BookedAsync(IReadOnlyList<PointTransaction> entries, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Called with the bookings when their entries and balances are saved, in their transaction.</summary>
    Task SavedAsync(IReadOnlyCollection<Booking> bookings, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Called after the commit with the changed balances. Must not throw.</summary>
    Task CommittedAsync(IReadOnlyCollection<Balance> balances, CancellationToken cancellationToken) => Task.CompletedTask;
}
