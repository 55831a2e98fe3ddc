using Kashif.Reporting.Agencies;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Workforce;

/// <summary>Employees who go out together.</summary>
internal sealed class Crew : IRegistered
{
    /// <summary>The kind in the audit trail.</summary>
    public const string Kind = "crew";
    public const int NameMax = 100;
    public const int MembersMax = 50;

    public Guid Id { get; init; }
    public required string Name { get; set; }

    /// <summary>Null for one that works for all agencies.</summary>
    public Guid? AgencyId { get; set; }

    /// <summary>False: it gets no new work.</summary>
    public bool Active { get; set; } = true;
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

/// <summary>An employee in a crew.</summary>
internal sealed class CrewMember
{
    public Guid CrewId { get; init; }
    public Guid UserId { get; init; }
}

/// <summary>A vehicle of the city.</summary>
internal sealed class Vehicle : IRegistered
{
    /// <summary>The kind in the audit trail.</summary>
    public const string Kind = "vehicle";
    public const int NameMax = 100;
    public const int PlateMax = 20;

    public Guid Id { get; init; }
    public required string Name { get; set; }
    public required string Plate { get; set; }

    /// <summary>Null for one that works for all agencies.</summary>
    public Guid? AgencyId { get; set; }

    /// <summary>False: it gets no new work.</summary>
    public bool Active { get; set; } = true;
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class CrewConfiguration : IEntityTypeConfiguration<Crew>
{
    public void Configure(EntityTypeBuilder<Crew> crew)
    {
        crew.ToTable("crews");
        crew.HasKey(row => row.Id);
        crew.Property(row => row.Id).ValueGeneratedNever();
        crew.Property(row => row.Version).IsConcurrencyToken();
        crew.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        crew.HasIndex(row => row.AgencyId);
    }
}

internal sealed class CrewMemberConfiguration : IEntityTypeConfiguration<CrewMember>
{
    public void Configure(EntityTypeBuilder<CrewMember> member)
    {
        member.ToTable("crew_members");
        member.HasKey(row => new { row.CrewId, row.UserId });
        member.HasOne<Crew>().WithMany().HasForeignKey(row => row.CrewId).OnDelete(DeleteBehavior.Cascade);
        member.HasOne<Employee>().WithMany().HasForeignKey(row => row.UserId).OnDelete(DeleteBehavior.Restrict);
        member.HasIndex(row => row.UserId);
    }
}

internal sealed class VehicleConfiguration : IEntityTypeConfiguration<Vehicle>
{
    public void Configure(EntityTypeBuilder<Vehicle> vehicle)
    {
        vehicle.ToTable("vehicles");
        vehicle.HasKey(row => row.Id);
        vehicle.Property(row => row.Id).ValueGeneratedNever();
        vehicle.Property(row => row.Version).IsConcurrencyToken();
        vehicle.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        vehicle.HasIndex(row => row.AgencyId);
        vehicle.HasIndex(row => row.Plate).IsUnique();
    }
}
