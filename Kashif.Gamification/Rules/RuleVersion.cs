using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Rules;

internal enum RuleStatus
{
    /// <summary>Can be changed and tried, and awards nothing.</summary>
    Draft,

    /// <summary>Judges the events since its activation.</summary>
    Active,

    /// <summary>Judges late events of the time when it was active.</summary>
    Retired,
}

/// <summary>A set of rules. Once active, its lines do not change, so an event is judged the same whenever it arrives.</summary>
internal sealed class RuleVersion
{
    public const int NoteLength = 500;

    public int Version { get; init; }
    public RuleStatus Status { get; set; }

    /// <summary>Null for the version that ships with the service.</summary>
    public Guid? CreatedBy { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public Guid? ActivatedBy { get; set; }

    /// <summary>From then on events are judged by this version. Null for a draft.</summary>
    public DateTimeOffset? ActivatedAt { get; set; }
    public string? Note { get; set; }
    public List<RuleLine> Lines { get; init; } = [];
}

internal sealed class RuleVersionConfiguration : IEntityTypeConfiguration<RuleVersion>
{
    private static readonly DateTimeOffset Beginning = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public void Configure(EntityTypeBuilder<RuleVersion> version)
    {
        version.ToTable("rule_versions", table => table.HasCheckConstraint("ck_rule_versions_activated_at", "(status = 'draft') = (activated_at IS NULL)"));
        version.HasKey(row => row.Version);
        version.Property(row => row.Version).ValueGeneratedNever();
        version.Property(row => row.Status).HasMaxLength(10).HasConversion(
            status => status.ToString().ToLowerInvariant(), text => Enum.Parse<RuleStatus>(text, ignoreCase: true));
        version.HasMany(row => row.Lines).WithOne().HasForeignKey(line => line.Version);
        version.HasIndex(row => row.Status).IsUnique().HasFilter("status = 'active'");
        version.HasIndex(row => row.CreatedBy); // an erasure reads it, and the next
        version.HasIndex(row => row.ActivatedBy);
        version.HasData(new { Version = 1, Status = RuleStatus.Active, CreatedAt = Beginning, ActivatedAt = (DateTimeOffset?)Beginning });
    }
}
