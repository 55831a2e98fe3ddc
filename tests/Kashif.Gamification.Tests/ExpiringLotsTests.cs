using FsCheck;
using FsCheck.Fluent;
using Kashif.Gamification.Ledger;

namespace Kashif.Gamification.Tests;

/// <summary>What expires, against a model that knows every single point.</summary>
public sealed class ExpiringLotsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Any_ledger_leaves_the_same_points_in_the_same_credits_as_the_model()
    {
        var steps =
            from action in Gen.Elements(Enum.GetValues<Act>())
            from amount in Gen.Choose(1, 30)
            from choice in Gen.Choose(0, 1000)
            from days in Gen.Choose(0, 20)
            select new Step(action, amount, choice, days);
        Prop.ForAll(steps.ListOf().ToArbitrary(), program => Model.Run(program)).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Spending_takes_from_what_expires_soonest_and_a_refund_puts_it_back()
    {
        var (late, soon, debit) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var lots = ExpiringLots.Of(
            [
                new(default, late, EntryKind.Earned, 10, Start.AddDays(9), null), new(default, Guid.CreateVersion7(), EntryKind.Earned, 100, null, null),
                new(default, soon, EntryKind.Earned, 10, Start.AddDays(3), null), new(default, debit, EntryKind.Spent, -15, null, null),
            ]);
        lots.DueAt(Start.AddDays(30)).ShouldBe([new DueLot(late, 5, 0)]);
        lots.Next().ShouldBe((5, Start.AddDays(9)));

        lots.Add(new(default, Guid.CreateVersion7(), EntryKind.Spent, 15, null, Reverses: debit));

        lots.DueAt(Start.AddDays(3)).ShouldBe([new DueLot(soon, 10, 0)]);
        lots.DueAt(Start.AddDays(3).AddTicks(-1)).ShouldBeEmpty();
        lots.DueAt(Start.AddDays(30)).ShouldBe([new DueLot(soon, 10, 0), new DueLot(late, 10, 0)]);
    }

    [Fact]
    public void Points_given_back_after_their_time_expire_again_under_another_cause()
    {
        var (credit, debit) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var lots = ExpiringLots.Of(
            [
                new(default, credit, EntryKind.Earned, 10, Start, null), new(default, debit, EntryKind.Spent, -4, null, null),
                new(default, Guid.CreateVersion7(), EntryKind.Expired, -6, null, Reverses: credit),
            ]);
        lots.DueAt(Start).ShouldBeEmpty();

        lots.Add(new(default, Guid.CreateVersion7(), EntryKind.Spent, 4, null, Reverses: debit));

        var due = lots.DueAt(Start).ShouldHaveSingleItem();
        due.ShouldBe(new DueLot(credit, 4, 1));
        ExpiryService.Cause(due).ShouldBe($"expiry:{credit}:2");
        ExpiryService.Cause(due with { Expiries = 0 }).ShouldBe($"expiry:{credit}");
    }

    private enum Act
    {
        Earn,
        Spend,
        Refund,
        Reverse,
        Take,
        UndoTake,
        Expire,
    }

    private sealed record Step(Act Act, int Amount, int Choice, int Days);

    /// <summary>Each point is an item of a list: the credit it came with, when it expires, and its place among the credits.</summary>
    private sealed class Model
    {
        private readonly ExpiringLots _lots = new();
        private readonly List<(Guid Credit, DateTimeOffset? Until, int Place)> _points = [];
        private readonly Dictionary<Guid, List<(Guid Credit, DateTimeOffset? Until, int Place)>> _taken = [];
        private readonly List<Guid> _awards = [];
        private readonly List<(Guid Id, int Points)> _debits = [];
        private readonly List<(Guid Id, int Points)> _adjustments = [];
        private int _credits;
        private DateTimeOffset _now = Start;

        public static bool Run(IEnumerable<Step> program)
        {
            var model = new Model();
            return program.All(model.Take) && model.Agrees();
        }

        private bool Take(Step step)
        {
            var id = Guid.CreateVersion7();
            switch (step.Act)
            {
                case Act.Earn:
                    DateTimeOffset? until = step.Days == 0 ? null : _now.AddDays(step.Days);
                    _awards.Add(id);
                    Credit(id, step.Amount, until);
                    _lots.Add(new(default, id, EntryKind.Earned, step.Amount, until, null));
                    break;
                case Act.Spend when step.Amount <= _points.Count:
                    _debits.Add((id, step.Amount));
                    Debit(id, step.Amount, named: null);
                    _lots.Add(new(default, id, EntryKind.Spent, -step.Amount, null, null));
                    break;
                case Act.Refund when _debits.Count > 0:
                    var debit = _debits[step.Choice % _debits.Count];
                    _debits.Remove(debit);
                    PutBack(id, debit.Id, debit.Points);
                    _lots.Add(new(default, id, EntryKind.Spent, debit.Points, null, debit.Id));
                    break;
                case Act.Reverse when _awards.Count > 0:
                    var award = _awards[step.Choice % _awards.Count];
                    _awards.Remove(award);
                    var reversed = Math.Min(step.Amount, _points.Count);
                    Debit(id, reversed, award);
                    _lots.Add(new(default, id, EntryKind.Reversed, -reversed, null, award));
                    break;
                case Act.Take: // an adjustment that takes what there is; undone, it gives back all that was asked for
                    _adjustments.Add((id, step.Amount));
                    var taken = Math.Min(step.Amount, _points.Count);
                    Debit(id, taken, named: null);
                    _lots.Add(new(default, id, EntryKind.Reversed, -taken, null, null));
                    break;
                case Act.UndoTake when _adjustments.Count > 0:
                    var adjustment = _adjustments[step.Choice % _adjustments.Count];
                    _adjustments.Remove(adjustment);
                    PutBack(id, adjustment.Id, adjustment.Points);
                    _lots.Add(new(default, id, EntryKind.Reversed, adjustment.Points, null, adjustment.Id));
                    break;
                case Act.Expire:
                    _now = _now.AddDays(step.Days);
                    if (!Agrees())
                    {
                        return false;
                    }

                    foreach (var due in _lots.DueAt(_now))
                    {
                        _points.RemoveAll(point => point.Credit == due.Credit);
                        _lots.Add(new(default, Guid.CreateVersion7(), EntryKind.Expired, -due.Points, null, due.Credit));
                    }

                    break;
            }

            return true;
        }

        private bool Agrees()
        {
            var due = _points.Where(point => point.Until <= _now).GroupBy(point => point).OrderBy(lot => lot.Key.Until).ThenBy(lot => lot.Key.Place).Select(lot => (lot.Key.Credit, lot.Count()));
            var first = _points.Min(point => point.Until);
            (long, DateTimeOffset)? next = first is { } at ? (_points.LongCount(point => point.Until?.Date == at.Date), at) : null;
            return _lots.Points == _points.Count
                && _lots.DueAt(_now).Select(lot => (lot.Credit, lot.Points)).SequenceEqual(due)
                && _lots.Next() == next;
        }

        private void Credit(Guid id, int points, DateTimeOffset? until)
        {
            _points.AddRange(Enumerable.Repeat((id, until, _credits), points));
            _credits++;
        }

        private void Debit(Guid id, int points, Guid? named)
        {
            var taken = _taken[id] = [];
            for (; points > 0; points--)
            {
                var point = _points.OrderByDescending(candidate => candidate.Credit == named).ThenBy(candidate => candidate.Until ?? DateTimeOffset.MaxValue).ThenBy(candidate => candidate.Place).First();
                _points.Remove(point);
                taken.Add(point);
            }
        }

        private void PutBack(Guid id, Guid debit, int points)
        {
            _points.AddRange(_taken[debit]);
            if (points > _taken[debit].Count)
            {
                Credit(id, points - _taken[debit].Count, until: null);
            }
        }
    }
}
