using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Agencies;

/// <summary>A pass of <see cref="Rerouting"/> over all reports after a change of areas.</summary>
internal sealed class RoutingChange
{
    public Guid Id { get; init; }

    /// <summary>Who changed the areas, for the histories of the reports.</summary>
    public Guid ChangedBy { get; init; }

    /// <summary>The pass starts at this time or later.</summary>
    public DateTimeOffset StartAt { get; init; }

    /// <summary>The last report that the pass has reached; the empty id before the first.</summary>
    public Guid LastReportId { get; set; }
}

internal sealed class RoutingChangeConfiguration : IEntityTypeConfiguration<RoutingChange>
{
    public void Configure(EntityTypeBuilder<RoutingChange> change)
    {
        change.ToTable("routing_changes");
        change.HasKey(row => row.Id);
        change.Property(row => row.Id).ValueGeneratedNever();
        change.HasIndex(row => row.ChangedBy); // an erasure reads it
    }
}

internal static class RoutingChanges
{
    /// <summary>
    /// Schedules two passes over all reports, in the transaction that changes the areas: one now, and one when every replica knows the change, for reports that
    /// another replica has filed by the old areas.
    /// </summary>
    public static void RouteAgain(this ReportingDbContext database, Guid changedBy, DateTimeOffset now)
    {
        foreach (var start in new[] { now, now + (2 * AgencyRouting.Lifetime) })
        {
            database.RoutingChanges.Add(new RoutingChange { Id = Guid.CreateVersion7(start), ChangedBy = changedBy, StartAt = start });
        }
    }
}
