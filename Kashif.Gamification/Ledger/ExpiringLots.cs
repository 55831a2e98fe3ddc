using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <summary>What <see cref="ExpiringLots"/> reads of an entry.</summary>
internal sealed record LedgerMove(Guid UserId, Guid Id, EntryKind Kind, int Points, DateTimeOffset? ExpiresAt, Guid? Reverses)
{
    /// <summary>User by user, in the order of the ledger.</summary>
    public static IAsyncEnumerable<LedgerMove> Of(IQueryable<PointTransaction> entries) => entries
        .OrderBy(entry => entry.UserId).ThenBy(entry => entry.Id)
        .Select(entry => new LedgerMove(entry.UserId, entry.Id, entry.Kind, entry.Points, entry.ExpiresAt, entry.Reverses))
        .AsAsyncEnumerable();
}

/// <summary>What is left of a credit.</summary>
/// <param name="Expiries">How often points of the credit expired: once, and again for each refund that came later.</param>
internal sealed record DueLot(Guid Credit, int Points, int Expiries);

/// <summary>
/// What is left of each credit, and until when: a pure function of a user's entries in the order of the ledger. Spending takes from the credit
/// that expires soonest, the older of two; a reversal or an expiry takes from the credit that it names first. What undoes a debit puts
/// back what that took, with the validity that it had.
/// </summary>
internal sealed class ExpiringLots
{
    private readonly SortedSet<Lot> _open = new(Comparer<Lot>.Create((one, other) => (one.Until, one.Place).CompareTo((other.Until, other.Place))));
    private readonly Dictionary<Guid, Lot> _lots = [];
    private readonly Dictionary<Guid, Stack<(Lot Lot, int Points)>> _taken = [];

    public long Points { get; private set; }

    public static ExpiringLots Of(IEnumerable<LedgerMove> moves)
    {
        var lots = new ExpiringLots();
        foreach (var move in moves)
        {
            lots.Add(move);
        }

        return lots;
    }

    public void Add(LedgerMove move)
    {
        if (move.Points > 0)
        {
            var rest = move.Reverses is { } debit ? PutBack(debit, move.Points) : move.Points;
            if (rest > 0)
            {
                var lot = new Lot(move.Id, move.ExpiresAt ?? DateTimeOffset.MaxValue, _lots.Count);
                _lots.Add(move.Id, lot);
                Fill(lot, rest);
            }
        }
        else
        {
            Take(move);
        }
    }

    /// <returns>The credits whose time is up and that have points left, soonest first.</returns>
    public IReadOnlyList<DueLot> DueAt(DateTimeOffset now) =>
        [.. _open.TakeWhile(lot => lot.Until <= now).Select(lot => new DueLot(lot.Credit, lot.Points, lot.Expiries))];

    /// <returns>The points that expire next and when, with all that expire on the same UTC day; null if none do.</returns>
    public (long Points, DateTimeOffset At)? Next() => _open.Min is { } first && first.Until != DateTimeOffset.MaxValue
        ? (_open.TakeWhile(lot => lot.Until.UtcDateTime.Date == first.Until.UtcDateTime.Date).Sum(lot => (long)lot.Points), first.Until)
        : null;

    private void Take(LedgerMove move)
    {
        var taken = new Stack<(Lot, int)>();
        var rest = -move.Points;
        if (move.Reverses is { } credit && _lots.TryGetValue(credit, out var named))
        {
            named.Expiries += move.Kind == EntryKind.Expired ? 1 : 0;
            Empty(named);
        }

        while (rest > 0 && _open.Min is { } soonest)
        {
            Empty(soonest);
        }

        _taken[move.Id] = taken;

        void Empty(Lot lot)
        {
            var points = Math.Min(lot.Points, rest);
            if (points > 0)
            {
                rest -= points;
                Fill(lot, -points);
                taken.Push((lot, points));
            }
        }
    }

    /// <returns>The points that the debit did not take.</returns>
    private int PutBack(Guid debit, int points)
    {
        for (var taken = _taken.GetValueOrDefault(debit); points > 0 && taken?.TryPop(out var part) == true;)
        {
            var back = Math.Min(part.Points, points);
            points -= back;
            Fill(part.Lot, back);
            if (back < part.Points)
            {
                taken.Push((part.Lot, part.Points - back));
            }
        }

        return points;
    }

    private void Fill(Lot lot, int points)
    {
        lot.Points += points;
        Points += points;
        if (lot.Points > 0)
        {
            _open.Add(lot);
        }
        else
        {
            _open.Remove(lot);
        }
    }

    private sealed class Lot(Guid credit, DateTimeOffset until, int place)
    {
        public Guid Credit => credit;
        public DateTimeOffset Until => until;
        public int Place => place;
        public int Points { get; set; }
        public int Expiries { get; set; }
    }
}
