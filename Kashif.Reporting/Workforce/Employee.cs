using System.Text.Json;
using Kashif.Reporting.Agencies;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Workforce;

/// <summary>What an employee does. What they may do is decided by their account's role.</summary>
public enum Job
{
    Manager,
    Dispatcher,
    FieldWorker,
    Counter,
}

/// <summary>A staff account's entry in the register of employees.</summary>
internal sealed class Employee : IRegistered
{
    /// <summary>The kind in the audit trail.</summary>
    public const string Kind = "employee";
    public const int NameMax = 100;
    public const int SkillMax = 50;
    public const int SkillsMax = 20;

    /// <summary>The staff account in Auth.</summary>
    public Guid UserId { get; init; }

    /// <summary>The agency whose reports the employee works on; null for all.</summary>
    public Guid? AgencyId { get; set; }

    /// <summary>Empty after the account was deleted or lost its role.</summary>
    public required string Name { get; set; }
    public Job Job { get; set; }
    public string[] Skills { get; set; } = [];

    /// <summary>False: the employee has left, and works on no report.</summary>
    public bool Active { get; set; } = true;
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class EmployeeConfiguration : IEntityTypeConfiguration<Employee>
{
    public void Configure(EntityTypeBuilder<Employee> employee)
    {
        employee.ToTable("employees");
        employee.HasKey(row => row.UserId);
        employee.Property(row => row.UserId).ValueGeneratedNever();
        employee.Property(row => row.Version).IsConcurrencyToken();
        employee.Property(row => row.Job).HasMaxLength(20)
            .HasConversion(job => JsonNamingPolicy.SnakeCaseLower.ConvertName(job.ToString()), name => Parse(name));
        employee.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        employee.HasIndex(row => row.AgencyId);
        employee.HasIndex(row => row.Skills).HasMethod("gin");
    }

    private static Job Parse(string name) => Enum.Parse<Job>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
