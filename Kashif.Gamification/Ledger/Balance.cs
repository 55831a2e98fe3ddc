using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>The sum of a user's ledger, updated in the same transaction as the ledger.</summary>
/// <remarks>Invariant: <see cref="Points"/> = <see cref="Earned"/> − <see cref="Spent"/> − <see cref="Expired"/> − <see cref="Reversed"/> ≥ 0.</remarks>
internal sealed class Balance
{
    public Guid UserId { get; init; }
    public long Points { get; private set; }
    public long Earned { get; private set; }

    /// <summary>What was spent and not given back.</summary>
    public long Spent { get; private set; }
    public long Expired { get; private set; }
    public long Reversed { get; private set; }

    /// <summary>What reversals could not take, because it was spent: the next points pay it.</summary>
    public long Owed { get; private set; }

    /// <summary>Incremented at each change; tells which of two balances is newer.</summary>
    public long Version { get; private set; }

    /// <summary>
    /// The time of the newest entry. Each entry of a user has a later time than the one before, also if clocks differ and if several
    /// are booked at once: lists and notifications sort by it, and it must be the order of the ledger.
    /// </summary>
    public DateTimeOffset ChangedAt { get; private set; }

    /// <summary>Whether the user has left the leaderboards.</summary>
    public bool Hidden { get; private set; }

    /// <summary>What counts towards the level: all points earned, less those taken back.</summary>
    public long Kept => Earned - Reversed - Owed;

    /// <summary>Changes the balance.</summary>
    /// <returns>The entry of the ledger, and that of the debt that it pays, if there is one.</returns>
    public IEnumerable<PointTransaction> Book(Booking booking, DateTimeOffset now)
    {
        if (booking.Counted != 0)
        {
            yield return Add(booking, points: 0, owed: -booking.Counted, now);
            yield break;
        }

        var points = booking.Kind == EntryKind.Reversed ? (int)Math.Max(booking.Points, -Points) : booking.Points;
        var entry = Add(booking, points, owed: points - booking.Points, now);
        yield return entry;

        var paid = (int)Math.Min(Owed, Points);
        if (paid > 0)
        {
            yield return Add(
                new Booking(UserId, -paid, EntryKind.Reversed, PointTransaction.OwedPoints, $"owed:{entry.Id}") { Reference = booking.Reference }, -paid, owed: -paid, now);
        }
    }

    private PointTransaction Add(Booking booking, int points, int owed, DateTimeOffset now)
    {
        Points += points;
        Owed += owed;
        switch (booking.Kind)
        {
            case EntryKind.Earned: Earned += points; break;
            case EntryKind.Spent: Spent -= points; break;
            case EntryKind.Expired: Expired -= points; break;
            case EntryKind.Reversed: Reversed -= points; break;
        }

        var next = ChangedAt.AddMicroseconds(1);
        var at = now.AddTicks(-(now.UtcTicks % TimeSpan.TicksPerMicrosecond)); // as the database stores it
        ChangedAt = at > next ? at : next;
        Version++;
        return new PointTransaction
        {
            Id = TimeOrderedId.Create(ChangedAt),
            UserId = UserId,
            Kind = booking.Kind,
            Points = points,
            Owed = owed,
            BalanceAfter = Points,
            Reason = booking.Reason,
            Rule = booking.Rule,
            RuleVersion = booking.RuleVersion,
            Cause = booking.Cause,
            Reference = booking.Reference,
            Category = booking.Category,
            Area = booking.Area,
            LimitDay = booking.LimitDay,
            ExpiresAt = booking.ExpiresAt,
            Reverses = booking.Reverses,
            Note = booking.Note,
            Actor = booking.Actor,
            CreatedAt = ChangedAt,
        };
    }
}

internal sealed class BalanceConfiguration : IEntityTypeConfiguration<Balance>
{
    public void Configure(EntityTypeBuilder<Balance> balance)
    {
        balance.ToTable("balances", table =>
        {
            table.HasCheckConstraint("ck_balances_points", "points >= 0");
            table.HasCheckConstraint("ck_balances_sum", "points = earned - spent - expired - reversed");
            table.HasCheckConstraint("ck_balances_owed", "owed >= 0");
        });
        balance.HasKey(row => row.UserId);
        balance.Property(row => row.UserId).ValueGeneratedNever();
        balance.Property(row => row.Expired).HasDefaultValue(0L); // for inserts of the version before, like the next two
        balance.Property(row => row.Reversed).HasDefaultValue(0L);
        balance.Property(row => row.Owed).HasDefaultValue(0L);
        balance.Property(row => row.Hidden).HasDefaultValue(false);
        balance.HasIndex(row => new { row.Points, row.UserId }).IsDescending(true, false);
        balance.HasIndex(row => row.UserId).HasFilter("hidden");
    }
}
