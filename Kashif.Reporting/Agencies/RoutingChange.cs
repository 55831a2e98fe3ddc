using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Agencies;

/// <summary>A change of areas, after which <see cref="Rerouting"/> looks at all reports again.</summary>
internal sealed class RoutingChange
{
    public Guid Id { get; init; }

    /// <summary>Who changed the areas, for the histories of the reports.</summary>
    public Guid ChangedBy { get; init; }

    /// <summary>Not before.</summary>
    public DateTimeOffset StartAt { get; init; }

    /// <summary>The last report that was looked at; the empty id before the first.</summary>
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
    /// Has all reports looked at again, in the transaction that changes the areas: soon, and once more when each replica knows the change, for reports that were
    /// filed by the areas before.
    /// </summary>
    public static void RouteAgain(this ReportingDbContext database, Guid changedBy, DateTimeOffset now)
    {
        foreach (var start in new[] { now, now + (2 * AgencyRouting.Lifetime) })
        {
            database.RoutingChanges.Add(new RoutingChange { Id = Guid.CreateVersion7(start), ChangedBy = changedBy, StartAt = start });
        }
    }
}
