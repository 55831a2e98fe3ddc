using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Reports;

/// <summary>A problem in the city, reported by one user.</summary>
internal sealed class Report
{
    public const int TitleMin = 3;
    public const int TitleMax = 200;
    public const int DescriptionMax = 4000;
    public const int AddressMax = 300;

    private Report()
    {
    }

    /// <summary>From <see cref="TimeOrderedId"/>: newer reports have greater ids, so lists by time sort by the id.</summary>
    public Guid Id { get; private init; }
    public Guid UserId { get; private init; }
    public string Title { get; private init; } = "";
    public string Description { get; private init; } = "";
    public string Category { get; private init; } = "";
    public ReportStatus Status { get; private set; }
    public double Latitude { get; private init; }
    public double Longitude { get; private init; }
    public string? Address { get; private init; }

    /// <summary>The original report, if <see cref="Status"/> is <see cref="ReportStatus.Duplicate"/>.</summary>
    public Guid? DuplicateOf { get; private set; }
    public DateTimeOffset CreatedAt { get; private init; }
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>When it is to be resolved, from the category's target at its creation; null without one.</summary>
    public DateTimeOffset? DueAt { get; private init; }

    /// <summary>When <see cref="OverdueMarking"/> published that it is overdue.</summary>
    public DateTimeOffset? OverdueAt { get; private init; }

    /// <summary>1 when created, incremented at each change: the ETag, the concurrency token, and the order of the report's events.</summary>
    public int Version { get; private set; }

    public static Report Create(
        Guid userId, string title, string description, string category, double latitude, double longitude, string? address, int? targetDays, DateTimeOffset now) =>
        new()
        {
            Id = TimeOrderedId.Create(now),
            UserId = userId,
            Title = title,
            Description = description,
            Category = category,
            Latitude = latitude,
            Longitude = longitude,
            Address = address,
            Status = ReportStatus.Submitted,
            CreatedAt = now,
            UpdatedAt = now,
            DueAt = targetDays is { } days ? now.AddDays(days) : null,
            Version = 1,
        };

    public Actor ActorOf(Guid userId, bool isStaff) =>
        (isStaff ? Actor.Staff : Actor.None) | (userId == UserId ? Actor.Owner : Actor.None);

    /// <summary>Changes the status as <see cref="StatusTransitions"/> allows. Each change of a report has a later time.</summary>
    /// <param name="duplicateOf">The original, if <paramref name="to"/> is <see cref="ReportStatus.Duplicate"/>.</param>
    /// <returns>The history entry.</returns>
    /// <exception cref="InvalidOperationException">The transition is not allowed for this actor, or the original is missing. Check first.</exception>
    public StatusChange ChangeStatus(ReportStatus to, Guid? duplicateOf, string? comment, Guid changedBy, Actor actor, DateTimeOffset now)
    {
        if (StatusTransitions.Decide(Status, to, actor) is not TransitionDecision.Allowed
            || (duplicateOf is null) == (to is ReportStatus.Duplicate)
            || duplicateOf == Id)
        {
            throw new InvalidOperationException($"Invalid transition from {Status} to {to}.");
        }

        var at = now > UpdatedAt ? now : UpdatedAt.AddMicroseconds(1);
        var change = new StatusChange
        {
            ReportId = Id,
            Version = Version + 1,
            From = Status,
            To = to,
            Comment = comment,
            ChangedBy = changedBy,
            At = at,
        };
        Status = to;
        DuplicateOf = duplicateOf;
        UpdatedAt = at;
        Version++;
        return change;
    }
}

internal sealed class ReportConfiguration : IEntityTypeConfiguration<Report>
{
    public void Configure(EntityTypeBuilder<Report> report)
    {
        report.ToTable("reports");
        report.HasKey(row => row.Id);
        report.Property(row => row.Id).ValueGeneratedNever();
        report.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
        report.Property(row => row.Status).HasStatusConversion();
        report.Property(row => row.Version).IsConcurrencyToken();

        // No foreign key to the category: each insert would lock its row, and categories are never deleted.
        report.HasOne<Report>().WithMany().HasForeignKey(row => row.DuplicateOf).OnDelete(DeleteBehavior.SetNull);
        report.HasIndex(row => row.DuplicateOf).HasFilter("duplicate_of IS NOT NULL");

        // Newest first for each filter. A list by category and status uses the more selective index.
        report.HasIndex(row => new { row.UserId, row.Id });
        report.HasIndex(row => new { row.Category, row.Id });
        report.HasIndex(row => new { row.Status, row.Id });
        report.HasIndex(row => row.DueAt).HasDatabaseName("ix_reports_due").HasFilter(OverdueMarking.Open);
    }
}

internal static class ReportStatusConversion
{
    public static PropertyBuilder<ReportStatus> HasStatusConversion(this PropertyBuilder<ReportStatus> property) =>
        property.HasConversion(status => status.WireName(), name => ReportStatuses.Parse(name)).HasMaxLength(20);
}
