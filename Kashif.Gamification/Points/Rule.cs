using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Points;

/// <summary>What earns how much: an event (and the status that it says was reached) gives the report's owner points, once a report.</summary>
internal sealed class Rule
{
    public const int CodeLength = 50;

    /// <summary>Also the reason on the transactions that it gives.</summary>
    public required string Code { get; init; }

    /// <summary>The event's wire name.</summary>
    public required string Event { get; init; }

    /// <summary>The status reached, by its wire name; null for events that have none.</summary>
    public string? Status { get; init; }

    public int Points { get; init; }

    /// <summary>What the rule gives one user on one UTC day at the most; null means no limit.</summary>
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
