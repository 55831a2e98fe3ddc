using Kashif.Reporting.Agencies;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.WorkOrders;

/// <summary>The state of a project.</summary>
public enum ProjectState
{
    Planned,
    Active,
    Done,
    Cancelled,
}

/// <summary>Work orders that belong together, such as the repair of a street.</summary>
internal sealed class Project
{
    public const int NameMax = 200;
    public const int DescriptionMax = 4000;

    public Guid Id { get; init; }

    /// <summary>The agency whose staff work on it; null for staff of all agencies.</summary>
    public Guid? AgencyId { get; init; }
    public required string Name { get; set; }
    public string Description { get; set; } = "";
    public ProjectState State { get; set; }
    public DateOnly? StartsOn { get; set; }

    /// <summary>The last day.</summary>
    public DateOnly? EndsOn { get; set; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class ProjectConfiguration : IEntityTypeConfiguration<Project>
{
    public void Configure(EntityTypeBuilder<Project> project)
    {
        project.ToTable("projects", table => table.HasCheckConstraint("ck_projects_dates", "ends_on >= starts_on"));
        project.HasKey(row => row.Id);
        project.Property(row => row.Id).ValueGeneratedNever();
        project.Property(row => row.Version).IsConcurrencyToken();
        project.Property(row => row.State).HasWireName();
        project.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        project.HasIndex(row => row.AgencyId);
    }
}
