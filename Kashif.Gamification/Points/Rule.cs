using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Points;

/// <summary>Awards points for an event, and for a status that it reports, to the report's owner, once per report.</summary>
internal sealed class Rule
{
    public const int CodeLength = 50;

    /// <summary>Also the reason of its transactions.</summary>
    public required string Code { get; init; }

    /// <summary>The event's wire name.</summary>
    public required string Event { get; init; }

    /// <summary>The report's new status as its wire name; null for events without one.</summary>
    public string? Status { get; init; }

    public int Points { get; init; }

    /// <summary>The most points per user and UTC day; null means no limit.</summary>
    public int? DailyLimit { get; init; }
}

internal sealed class RuleConfiguration : IEntityTypeConfiguration<Rule>
{
    public void Configure(EntityTypeBuilder<Rule> rule)
    {
        rule.ToTable("rules", table => table.HasCheckConstraint("ck_rules_points", "points > 0 AND daily_limit >= 0"));
        rule.HasKey(row => row.Code);
        rule.Property(row => row.Code).HasMaxLength(Rule.CodeLength);
        rule.Property(row => row.Event).HasMaxLength(100);
        rule.Property(row => row.Status).HasMaxLength(50);
        rule.HasData(
            new Rule { Code = "report_created", Event = ReportCreated.Type, Points = 10, DailyLimit = 100 },
            new Rule { Code = "report_verified", Event = ReportStatusUpdated.Type, Status = "verified", Points = 5 },
            new Rule { Code = "report_resolved", Event = ReportStatusUpdated.Type, Status = "resolved", Points = 50 });
    }
}
