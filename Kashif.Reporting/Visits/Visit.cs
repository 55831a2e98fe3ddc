using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Kashif.Reporting.WorkOrders;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Visits;

/// <summary>The state of a visit. It holds its slot while it is <c>proposed</c> or <c>confirmed</c>.</summary>
public enum VisitState
{
    /// <summary>The slot is kept until the reporter or staff confirm it.</summary>
    Proposed,
    Confirmed,
    Completed,
    Cancelled,

    /// <summary>The crew or the reporter was not there.</summary>
    Missed,
}

/// <summary>A time to choose from.</summary>
internal sealed class OfferedSlot
{
    public DateTimeOffset StartsAt { get; init; }
    public DateTimeOffset EndsAt { get; init; }
}

/// <summary>A crew, a vehicle or both go somewhere for a work order. With a report it is an appointment: the reporter is to be there.</summary>
internal sealed class Visit
{
    public const int NoteMax = 1000;
    public const int MaxAlternatives = 10;

    /// <summary>The longest slot.</summary>
    public static readonly TimeSpan MaxLength = TimeSpan.FromDays(7);

    public Guid Id { get; init; }
    public Guid WorkOrderId { get; init; }

    /// <summary>The report whose reporter is to be there; null for none.</summary>
    public Guid? ReportId { get; init; }
    public Guid? CrewId { get; set; }
    public Guid? VehicleId { get; set; }
    public DateTimeOffset StartsAt { get; private set; }

    /// <summary>The end is not part of the slot: the next visit may begin then.</summary>
    public DateTimeOffset EndsAt { get; private set; }
    public VisitState State { get; private set; }

    /// <summary>For the crew.</summary>
    public string? Note { get; set; }

    /// <summary>What the reporter can move the visit to. Other visits may take these slots meanwhile.</summary>
    public List<OfferedSlot> Alternatives { get; private set; } = [];
    public WorkOutcome? Outcome { get; private set; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>Incremented when the slot changes or the visit is cancelled or missed: <c>SEQUENCE</c> of RFC 5545.</summary>
    public int Sequence { get; private set; }

    /// <summary>1 when created, incremented at each change: the concurrency token, and the order of its events.</summary>
    public int Version { get; private set; } = 1;

    /// <summary>Whether it holds its slot. The same as <see cref="VisitSchema.HoldsSlot"/>.</summary>
    public bool IsOpen => State is VisitState.Proposed or VisitState.Confirmed;

    public static Visit Create(
        WorkOrder order, Guid? report, Guid? crew, Guid? vehicle, (DateTimeOffset StartsAt, DateTimeOffset EndsAt) slot, bool confirmed, string? note,
        IEnumerable<OfferedSlot> alternatives, DateTimeOffset now) => new()
        {
            Id = Guid.CreateVersion7(now),
            WorkOrderId = order.Id,
            ReportId = report,
            CrewId = crew,
            VehicleId = vehicle,
            StartsAt = slot.StartsAt,
            EndsAt = slot.EndsAt,
            State = confirmed ? VisitState.Confirmed : VisitState.Proposed,
            Note = note,
            Alternatives = [.. alternatives],
            CreatedAt = now,
            UpdatedAt = now,
        };

    public void Confirm(DateTimeOffset now)
    {
        State = VisitState.Confirmed;
        Changed(now);
    }

    /// <summary>The reporter has not agreed to a slot that staff choose: it is proposed again.</summary>
    public void MoveByStaff((DateTimeOffset StartsAt, DateTimeOffset EndsAt) slot, DateTimeOffset now)
    {
        State = ReportId is null && IsOpen ? State : VisitState.Proposed;
        Move(slot, now);
    }

    /// <summary>The reporter has chosen an offered slot. The former one is offered instead.</summary>
    public void MoveByReporter(OfferedSlot chosen, DateTimeOffset now)
    {
        Offer([.. Alternatives.Where(slot => slot != chosen), new OfferedSlot { StartsAt = StartsAt, EndsAt = EndsAt }]);
        State = VisitState.Confirmed;
        Move((chosen.StartsAt, chosen.EndsAt), now);
    }

    public void Offer(IEnumerable<OfferedSlot> alternatives) => Alternatives = [.. alternatives.Select(slot => new OfferedSlot { StartsAt = slot.StartsAt, EndsAt = slot.EndsAt })];

    public void Complete(WorkOutcome outcome, DateTimeOffset now)
    {
        (State, Outcome) = (VisitState.Completed, outcome);
        Changed(now);
    }

    /// <param name="state"><see cref="VisitState.Cancelled"/> or <see cref="VisitState.Missed"/>.</param>
    public void CallOff(VisitState state, DateTimeOffset now)
    {
        State = state;
        Sequence++;
        Changed(now);
    }

    public void Changed(DateTimeOffset now)
    {
        UpdatedAt = now;
        Version++;
    }

    private void Move((DateTimeOffset StartsAt, DateTimeOffset EndsAt) slot, DateTimeOffset now)
    {
        (StartsAt, EndsAt) = slot;
        Sequence++;
        Changed(now);
    }
}

internal sealed class VisitConfiguration : IEntityTypeConfiguration<Visit>
{
    public void Configure(EntityTypeBuilder<Visit> visit)
    {
        visit.ToTable("visits", table =>
        {
            // An empty slot would overlap none.
            table.HasCheckConstraint("ck_visits_slot", "starts_at < ends_at");
            table.HasCheckConstraint("ck_visits_resource", "crew_id IS NOT NULL OR vehicle_id IS NOT NULL");
        });
        visit.HasKey(row => row.Id);
        visit.Property(row => row.Id).ValueGeneratedNever();
        visit.Property(row => row.Version).IsConcurrencyToken();
        visit.Property(row => row.State).HasWireName();
        visit.Property(row => row.Outcome).HasMaxLength(20)
            .HasConversion(outcome => outcome == null ? null : outcome.Value.WireName(), name => name == null ? null : States.Parse<WorkOutcome>(name));
        visit.OwnsMany(row => row.Alternatives, slots => slots.ToJson());
        visit.HasOne<WorkOrder>().WithMany().HasForeignKey(row => row.WorkOrderId).OnDelete(DeleteBehavior.Restrict);
        visit.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.SetNull);
        visit.HasOne<Crew>().WithMany().HasForeignKey(row => row.CrewId).OnDelete(DeleteBehavior.Restrict);
        visit.HasOne<Vehicle>().WithMany().HasForeignKey(row => row.VehicleId).OnDelete(DeleteBehavior.Restrict);
        visit.HasIndex(row => row.WorkOrderId);
        visit.HasIndex(row => row.ReportId).HasFilter("report_id IS NOT NULL");
        visit.HasIndex(row => new { row.CrewId, row.StartsAt, row.Id });
        visit.HasIndex(row => new { row.VehicleId, row.StartsAt, row.Id });
        visit.HasIndex(row => new { row.StartsAt, row.Id });
    }
}
