using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Reports;

/// <summary>Something broken in the city, as one person reported it.</summary>
internal sealed class Report
{
    public const int TitleMin = 3;
    public const int TitleMax = 200;
    public const int DescriptionMax = 4000;
    public const int AddressMax = 300;

    private Report()
    {
    }

    /// <summary>Version 7: newer reports have greater ids, so the id is also the sort key of every list by time.</summary>
    public Guid Id { get; private init; }
    public Guid UserId { get; private init; }
    public string Title { get; private init; } = "";
    public string Description { get; private init; } = "";
    public string Category { get; private init; } = "";
    public ReportStatus Status { get; private set; }
    public double Latitude { get; private init; }
    public double Longitude { get; private init; }
    public string? Address { get; private init; }

    /// <summary>The report that this one repeats, where <see cref="Status"/> says that it does.</summary>
    public Guid? DuplicateOf { get; private set; }
    public DateTimeOffset CreatedAt { get; private init; }
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>1 as filed, one more at each change: the ETag, the concurrency token, and the order of the report's events.</summary>
    public int Version { get; private set; }

    public static Report Create(
        Guid userId, string title, string description, string category, double latitude, double longitude, string? address, DateTimeOffset now) =>
        new()
        {
            Id = Guid.CreateVersion7(now),
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
            Version = 1,
        };

    public Actor ActorOf(Guid userId, bool isStaff) =>
        (isStaff ? Actor.Staff : Actor.None) | (userId == UserId ? Actor.Owner : Actor.None);

    /// <summary>Moves the report along <see cref="StatusTransitions"/>.</summary>
    /// <param name="duplicateOf">The original, where <paramref name="to"/> is <see cref="ReportStatus.Duplicate"/>.</param>
    /// <returns>The entry for the history.</returns>
    /// <exception cref="InvalidOperationException">There is no such way, or not for this actor, or the original is missing: ask before.</exception>
    public StatusChange MoveTo(ReportStatus to, Guid? duplicateOf, string? comment, Guid changedBy, Actor actor, DateTimeOffset now)
    {
        if (StatusTransitions.Judge(Status, to, actor) is not TransitionVerdict.Allowed
            || (duplicateOf is null) == (to is ReportStatus.Duplicate)
            || duplicateOf == Id)
        {
            throw new InvalidOperationException($"A report cannot go from {Status} to {to} like this.");
        }

        var change = new StatusChange
        {
            ReportId = Id,
            Version = Version + 1,
            From = Status,
            To = to,
            Comment = comment,
            ChangedBy = changedBy,
            At = now,
        };
        Status = to;
        DuplicateOf = duplicateOf;
        UpdatedAt = now;
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
        report.Property(row => row.Title).HasMaxLength(Report.TitleMax);
        report.Property(row => row.Description).HasMaxLength(Report.DescriptionMax);
        report.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
        report.Property(row => row.Status).HasStatusConversion();
        report.Property(row => row.Address).HasMaxLength(Report.AddressMax);
        report.Property(row => row.Version).IsConcurrencyToken();

        // No foreign key to the category: every insert would lock that one row, and categories are never deleted.
        report.HasOne<Report>().WithMany().HasForeignKey(row => row.DuplicateOf).OnDelete(DeleteBehavior.SetNull);
        report.HasIndex(row => row.DuplicateOf).HasFilter("duplicate_of IS NOT NULL");

        // Newest first under each filter; a list by category and status reads the more selective of the two.
        report.HasIndex(row => new { row.UserId, row.Id });
        report.HasIndex(row => new { row.Category, row.Id });
        report.HasIndex(row => new { row.Status, row.Id });
    }
}

internal static class StatusColumn
{
    public static PropertyBuilder<ReportStatus> HasStatusConversion(this PropertyBuilder<ReportStatus> property) =>
        property.HasConversion(status => status.WireName(), name => ReportStatuses.Parse(name)).HasMaxLength(20);
}
