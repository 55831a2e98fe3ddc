using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Rules;

/// <summary>When a rule awards its points.</summary>
public enum Vesting
{
    /// <summary>At once.</summary>
    Immediate,

    /// <summary>When anyone but the reporter has verified the report, started work on it or resolved it.</summary>
    OnVerification,
}

/// <summary>
/// What a rule gives for some reports. A rule, by its <see cref="Code"/>, awards once per report; its lines tell by category, area and
/// time how much. The most specific line applies, and only that one: see <see cref="Rulebook"/>.
/// </summary>
internal sealed class RuleLine
{
    public const int CodeLength = 50;
    public const int CategoryLength = 50;

    public int Version { get; init; }

    /// <summary>The place in the list, from 0.</summary>
    public int Number { get; init; }

    /// <summary>The rule's code, also the reason of its entries.</summary>
    public required string Code { get; init; }

    /// <summary>The event's wire name.</summary>
    public required string Event { get; init; }

    /// <summary>The report's new status as its wire name; null for events without one.</summary>
    public string? Status { get; init; }

    /// <summary>Null for all categories.</summary>
    public string? Category { get; init; }

    /// <summary>The code of an area; null for the whole city.</summary>
    public string? Area { get; init; }

    /// <summary>The first and the last day of the window, on the city's calendar; null without an end on that side.</summary>
    public DateOnly? FromDay { get; init; }
    public DateOnly? UntilDay { get; init; }

    /// <summary>Null for every day.</summary>
    public DayOfWeek[]? Days { get; init; }

    /// <summary>From this minute until before <see cref="UntilTime"/>, on the city's clock, over midnight if that is earlier: then the hours after midnight belong to the day before. Both or none.</summary>
    public TimeOnly? FromTime { get; init; }
    public TimeOnly? UntilTime { get; init; }

    public int Points { get; init; }
    public decimal Multiplier { get; init; } = 1;

    /// <summary>The most points of the rule per user and UTC day; null means no limit. The same in all lines of a rule, like the next.</summary>
    public int? DailyLimit { get; init; }

    /// <summary>The most points of the rule per user and ISO week in UTC.</summary>
    public int? WeeklyLimit { get; init; }

    /// <summary>Days from the award until its points expire; null for the default, <c>Points:ExpiresAfter</c>.</summary>
    public int? ExpiresAfterDays { get; init; }
    public Vesting Vesting { get; init; }

    /// <summary>Whether the points are taken back from a report that is rejected, withdrawn, hidden or deleted.</summary>
    public bool Reversible { get; init; }

    /// <summary>The points of one award, before limits.</summary>
    public int Worth => (int)decimal.Round(Points * Multiplier, MidpointRounding.AwayFromZero);

    public bool IsLimited => DailyLimit is not null || WeeklyLimit is not null;

    public bool HasWindow => FromDay is not null || UntilDay is not null || Days is not null || FromTime is not null;
}

internal sealed class RuleLineConfiguration : IEntityTypeConfiguration<RuleLine>
{
    public void Configure(EntityTypeBuilder<RuleLine> line)
    {
        line.ToTable("rule_lines", table =>
        {
            table.HasCheckConstraint("ck_rule_lines_points", "points >= 0 AND multiplier > 0 AND daily_limit >= 0 AND weekly_limit >= 0");
            table.HasCheckConstraint("ck_rule_lines_times", "(from_time IS NULL) = (until_time IS NULL)");
        });
        line.HasKey(row => new { row.Version, row.Number });
        line.Property(row => row.Code).HasMaxLength(RuleLine.CodeLength);
        line.Property(row => row.Event).HasMaxLength(100);
        line.Property(row => row.Status).HasMaxLength(50);
        line.Property(row => row.Category).HasMaxLength(RuleLine.CategoryLength);
        line.Property(row => row.Area).HasMaxLength(Areas.Area.CodeLength);
        line.Property(row => row.Multiplier).HasPrecision(5, 2);
        line.Property(row => row.Vesting).HasMaxLength(20).HasConversion(
            vesting => vesting == Vesting.OnVerification ? "on_verification" : "immediate",
            text => text == "on_verification" ? Vesting.OnVerification : Vesting.Immediate);
        line.HasData(
            new RuleLine { Version = 1, Number = 0, Code = "report_created", Event = ReportCreated.Type, Points = 10, DailyLimit = 100, Reversible = true },
            new RuleLine { Version = 1, Number = 1, Code = "report_verified", Event = ReportStatusUpdated.Type, Status = "verified", Points = 5, Reversible = true },
            new RuleLine { Version = 1, Number = 2, Code = "report_resolved", Event = ReportStatusUpdated.Type, Status = "resolved", Points = 50, Reversible = true },
            new RuleLine { Version = 1, Number = 3, Code = "survey_answered", Event = SurveyAnswered.Type, Points = 5, DailyLimit = 15 });
    }
}
