using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Reports;

/// <summary>What a person reports, checked and trimmed.</summary>
internal sealed record NewReport(
    Guid UserId, string Title, string Description, string Category, double Latitude, double Longitude, string? Address, bool Anonymous = false, bool Private = false);

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

    /// <summary>The same place as a <c>geography</c>, which PostgreSQL computes: for PostGIS and the city's own tools.</summary>
    public Point? Location { get; private init; }
    public string? Address { get; private init; }

    /// <summary>The public may not learn who reported it.</summary>
    public bool Anonymous { get; private set; }

    /// <summary>By the owner's wish, only the owner and staff see it.</summary>
    public bool Private { get; private set; }

    /// <summary>By staff's decision, only the owner and staff see it.</summary>
    public bool Hidden { get; private set; }

    /// <summary>How many users have voted "me too". This and the next three change without a new <see cref="Version"/>: see <see cref="ReportActivity"/>.</summary>
    public int Votes { get; private init; }

    /// <summary>How many comments the public sees.</summary>
    public int Comments { get; private init; }

    /// <summary>How many photos the public sees.</summary>
    public int Photos { get; private init; }

    /// <summary>Incremented at each change of the three counts: a part of the ETag.</summary>
    public int Activity { get; private init; }

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

    /// <param name="targetDays">In how many days its category is to be resolved; null for no promise.</param>
    public static Report Create(NewReport filed, int? targetDays, DateTimeOffset now) => new()
    {
        Id = TimeOrderedId.Create(now),
        UserId = filed.UserId,
        Title = filed.Title,
        Description = filed.Description,
        Category = filed.Category,
        Latitude = filed.Latitude,
        Longitude = filed.Longitude,
        Address = filed.Address,
        Anonymous = filed.Anonymous,
        Private = filed.Private,
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
    private const string LocationSql = "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography";

    public void Configure(EntityTypeBuilder<Report> report)
    {
        report.ToTable("reports");
        report.HasKey(row => row.Id);
        report.Property(row => row.Id).ValueGeneratedNever();
        report.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
        report.Property(row => row.Status).HasStatusConversion();
        report.Property(row => row.Version).IsConcurrencyToken();
        report.Property(row => row.Location).HasColumnType("geography (Point, 4326)").HasComputedColumnSql(LocationSql, stored: true);

        // No foreign key to the category: each insert would lock its row, and categories are never deleted.
        report.HasOne<Report>().WithMany().HasForeignKey(row => row.DuplicateOf).OnDelete(DeleteBehavior.SetNull);
        report.HasIndex(row => row.DuplicateOf).HasFilter("duplicate_of IS NOT NULL");

        // Newest first for each filter. A list by category and status uses the more selective index.
        report.HasIndex(row => new { row.UserId, row.Id });
        report.HasIndex(row => new { row.Category, row.Id });
        report.HasIndex(row => new { row.Status, row.Id });
        report.HasIndex(row => row.Location).HasMethod("gist");
        foreach (var grid in Grid.All)
        {
            report.Property<long>(grid.Column).HasComputedColumnSql(grid.Sql, stored: true);
            report.HasIndex(grid.Column, nameof(Report.Id)).HasDatabaseName($"ix_reports_{grid.Column}").HasFilter(ReportVisibility.PublicSql);
        }

        report.HasIndex(row => row.DueAt).HasDatabaseName("ix_reports_due").HasFilter(OverdueMarking.Open);
    }
}

internal static class ReportStatusConversion
{
    public static PropertyBuilder<ReportStatus> HasStatusConversion(this PropertyBuilder<ReportStatus> property) =>
        property.HasConversion(status => status.WireName(), name => ReportStatuses.Parse(name)).HasMaxLength(20);
}
