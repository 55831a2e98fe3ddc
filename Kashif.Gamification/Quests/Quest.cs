using Kashif.Gamification.History;
using Kashif.Messaging.Events;
using Kashif.Messaging.Geography;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Quests;

/// <summary>A task for users, such as three verified potholes within a week, with a reward that a <see cref="Budget"/> pays.</summary>
internal sealed class Quest
{
    public const int TitleLength = 100;
    public const int TextLength = 1000;
    public const int MaxReward = 100_000;
    public const int MaxCount = 1_000;
    public const int MaxDays = 365;

    /// <summary>The events of reports that quests can count, by their wire names.</summary>
    public static readonly string[] Events = [ReportCreated.Type, ReportStatusUpdated.Type, ReportVoted.Type];

    /// <summary>The new statuses of <see cref="ReportStatusUpdated"/> that quests can count.</summary>
    public static readonly string[] Statuses = ["verified", "in_progress", "resolved"];

    public int Id { get; init; }
    public required string TitleEn { get; set; }
    public required string TitleAr { get; set; }
    public string DescriptionEn { get; set; } = "";
    public string DescriptionAr { get; set; } = "";

    /// <summary>One of <see cref="Events"/>.</summary>
    public required string Event { get; init; }

    /// <summary>The report's new status; null for events without one.</summary>
    public string? Status { get; init; }

    /// <summary>Only reports of this category; null for all.</summary>
    public string? Category { get; init; }

    /// <summary>Only reports within <see cref="RadiusKm"/> of this place; null for the whole city. In degrees (WGS 84).</summary>
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
    public double? RadiusKm { get; init; }

    /// <summary>How many reports complete the quest.</summary>
    public int Count { get; init; }

    /// <summary>In points.</summary>
    public int Reward { get; init; }
    public int BudgetId { get; init; }

    /// <summary>How many users can win; null for as many as the budget pays.</summary>
    public int? MaxWinners { get; set; }

    /// <summary>How many days a user has from joining; null until the quest ends.</summary>
    public int? Days { get; init; }
    public DateTimeOffset StartsAt { get; init; }
    public DateTimeOffset EndsAt { get; set; }
    public DateTimeOffset? CancelledAt { get; set; }
    public DateTimeOffset CreatedAt { get; init; }

    public bool IsOpen(DateTimeOffset now) => CancelledAt is null && StartsAt <= now && now < EndsAt;

    public DateTimeOffset Deadline(DateTimeOffset joinedAt) => Days is { } days && joinedAt.AddDays(days) is var last && last < EndsAt ? last : EndsAt;

    /// <returns>
    /// The distinct reports that count for the user: those with the quest's event since the user joined, unless they were rejected, withdrawn,
    /// hidden, deleted or marked as duplicates meanwhile, or the status was taken back. Votes are for reports of others. A status that the owner
    /// set does not count.
    /// </returns>
    /// <param name="events">All <see cref="QuestEvents"/> of the user since then; others do no harm.</param>
    public int Progress(Participation participation, IEnumerable<ReportEvent> events) => events
        .Where(row => row.UserId == participation.UserId)
        .GroupBy(row => row.ReportId)
        .Select(ReportRecord.Of)
        .Count(report => report.Standing.Any(row => Counts(row, participation))
            && !(report.IsHidden || report.IsDeleted) && report.Status is not ("rejected" or "withdrawn" or "duplicate"));

    private bool Counts(ReportEvent row, Participation participation) =>
        row.Event == Event
        && (Status is null || Status == row.Status)
        && (row.Status is null || !row.ByOwner)
        && row.At >= participation.JoinedAt && row.At <= participation.Deadline
        && (Category is null || Category == row.Category)
        && (Latitude is not { } north || Longitude is not { } east
            || (row.Latitude is { } latitude && row.Longitude is { } longitude && GreatCircle.DistanceKm(north, east, latitude, longitude) <= RadiusKm));
}

internal sealed class QuestConfiguration : IEntityTypeConfiguration<Quest>
{
    public void Configure(EntityTypeBuilder<Quest> quest)
    {
        quest.ToTable("quests", table =>
        {
            table.HasCheckConstraint("ck_quests_numbers", "count > 0 AND reward > 0 AND max_winners > 0 AND days > 0");
            table.HasCheckConstraint("ck_quests_window", "ends_at > starts_at");
            table.HasCheckConstraint(
                "ck_quests_place",
                "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius_km IS NULL) AND latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180 AND radius_km > 0");
        });
        quest.Property(row => row.Event).HasMaxLength(100);
        quest.Property(row => row.Status).HasMaxLength(50);
        quest.Property(row => row.Category).HasMaxLength(50);
        quest.HasOne<Budget>().WithMany().HasForeignKey(row => row.BudgetId).OnDelete(DeleteBehavior.Restrict);
        quest.HasIndex(row => row.EndsAt).HasFilter("cancelled_at IS NULL");
    }
}
