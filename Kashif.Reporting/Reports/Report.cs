using System.Text.Json;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Reports;

/// <summary>What a person reports, checked and trimmed.</summary>
internal sealed record NewReport(
    Guid UserId, string Title, string Description, string Category, double Latitude, double Longitude, string? Address, bool Anonymous = false, bool Private = false,
    Guid? FiledBy = null, DateTimeOffset? CapturedAt = null);

/// <summary>An edit of a report, checked and trimmed. Null: stays as it is.</summary>
/// <param name="Answers">Whether the answers to the questions of its category change with it.</param>
internal sealed record ReportEdit(string? Title, string? Description, string? Category, bool? Anonymous, bool? Private, bool? Hidden, bool Answers = false)
{
    /// <summary>The wire names of what it changes.</summary>
    public string[] FieldsOf(Report report)
    {
        return [.. Changed()];

        IEnumerable<string> Changed()
        {
            if (Title is not null && Title != report.Title)
            {
                yield return StatusChange.TitleField;
            }

            if (Description is not null && Description != report.Description)
            {
                yield return StatusChange.DescriptionField;
            }

            if (Category is not null && Category != report.Category)
            {
                yield return StatusChange.CategoryField;
            }

            if (Anonymous is not null && Anonymous != report.Anonymous)
            {
                yield return StatusChange.AnonymousField;
            }

            if (Private is not null && Private != report.Private)
            {
                yield return StatusChange.PrivateField;
            }

            if (Hidden is not null && Hidden != report.Hidden)
            {
                yield return StatusChange.HiddenField;
            }

            if (Answers)
            {
                yield return StatusChange.AnswersField;
            }
        }
    }
}

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

    /// <summary>The member of staff who filed it in the reporter's name; null if the reporter did.</summary>
    public Guid? FiledBy { get; private init; }
    public string Title { get; private set; } = "";
    public string Description { get; private set; } = "";
    public string Category { get; private set; } = "";
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

    /// <summary>Incremented at each change of the three counts, and of the area alone: a part of the ETag.</summary>
    public int Activity { get; private set; }

    /// <summary>The original report, if <see cref="Status"/> is <see cref="ReportStatus.Duplicate"/>.</summary>
    public Guid? DuplicateOf { get; private set; }

    /// <summary>The public may not see the original: it is not named then. See <see cref="ReportDuplicates"/>.</summary>
    public bool OriginalHidden { get; private set; }
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>When an app made it, if it was offline then; by the app's clock.</summary>
    public DateTimeOffset? CapturedAt { get; private init; }
    public DateTimeOffset UpdatedAt { get; private set; }

    /// <summary>When it is to be resolved, from the category's service level at its creation, or when staff corrected its category; null without one.</summary>
    public DateTimeOffset? DueAt { get; private set; }

    /// <summary>When its reporter may expect it to be resolved; null for no promise.</summary>
    public DateTimeOffset? ExpectedAt { get; private set; }

    /// <summary>The smallest area that holds its place; null for none.</summary>
    public Guid? AreaId { get; private set; }

    /// <summary>The agency that is responsible for it; null for none: then all staff are.</summary>
    public Guid? AgencyId { get; private set; }

    /// <summary>Staff chose the agency: changes of areas leave it. Another category ends it.</summary>
    public bool RoutedByHand { get; private set; }

    /// <summary>The employee who works on it; null for none.</summary>
    public Guid? AssigneeId { get; private set; }

    /// <summary>When <see cref="OverdueMarking"/> published that it is overdue. It never does for a report with <see cref="KeepQuiet"/>.</summary>
    public DateTimeOffset? OverdueAt { get; private set; }

    /// <summary>1 when created, incremented at each change: the ETag, the concurrency token, and the order of the report's events.</summary>
    public int Version { get; private set; }

    public static Report Create(NewReport filed, ReportTerms terms, DateTimeOffset now) => new()
    {
        Id = TimeOrderedId.Create(now),
        UserId = filed.UserId,
        FiledBy = filed.FiledBy,
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
        CapturedAt = filed.CapturedAt,
        UpdatedAt = now,
        DueAt = terms.DueAt,
        ExpectedAt = terms.ExpectedAt,
        AreaId = terms.Route.AreaId,
        AgencyId = terms.Route.AgencyId,
        Version = 1,
    };

    /// <summary>Whether the status that it has just reached resolves it within the promised time.</summary>
    public bool KeepsPromise => Status is ReportStatus.Resolved && ExpectedAt >= UpdatedAt;

    public Actor ActorOf(Guid userId, bool isStaff) =>
        (isStaff ? Actor.Staff : Actor.None) | (userId == UserId ? Actor.Owner : Actor.None);

    /// <summary>Changes the status as <see cref="StatusTransitions"/> allows.</summary>
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

        var kind = StatusTransitions.IsTakenBack(Status, to) ? ChangeKind.TakenBack : ChangeKind.Status;
        var change = Next(kind, to, comment, changedBy, now);
        (Status, DuplicateOf, OriginalHidden) = (to, duplicateOf, false); // a merge sets it, with the original locked
        return change;
    }

    /// <summary>What is said to be fixed, and is not, is in progress again; what was rejected waits for a new decision.</summary>
    /// <returns>The history entry.</returns>
    /// <exception cref="InvalidOperationException">The status is neither resolved nor rejected. Check first.</exception>
    public StatusChange Reopen(string? reason, Guid reopenedBy, DateTimeOffset now)
    {
        var to = StatusTransitions.Reopened(Status) ?? throw new InvalidOperationException($"A report that is {Status} cannot be reopened.");
        var change = Next(ChangeKind.Reopened, to, reason, reopenedBy, now);
        Status = to;
        return change;
    }

    /// <summary>For a report from another system: its reporter was promised nothing here, and is told of no date.</summary>
    public void KeepQuiet() => OverdueAt = ExpectedAt;

    /// <summary>For a report that was sent earlier, and could not be filed then. Clients that read the latest changes find it now.</summary>
    public void AppearAt(DateTimeOffset now) => UpdatedAt = now;

    /// <param name="terms">Of the new category; null if it stays.</param>
    /// <returns>The history entry; null if the edit changes nothing.</returns>
    public StatusChange? Edit(ReportEdit edit, ReportTerms? terms, string? reason, Guid editedBy, DateTimeOffset now)
    {
        var fields = edit.FieldsOf(this);
        if (fields.Length == 0)
        {
            return null;
        }

        var (former, title, description) = (Category, Title, Description);
        JsonElement? details = null;
        Title = edit.Title ?? Title;
        Description = edit.Description ?? Description;
        Anonymous = edit.Anonymous ?? Anonymous;
        Private = edit.Private ?? Private;
        Hidden = edit.Hidden ?? Hidden;
        if (edit.Category is { } category && category != former)
        {
            Category = category;
            (DueAt, ExpectedAt) = (terms?.DueAt, terms?.ExpectedAt);
            (AreaId, RoutedByHand) = (terms?.Route.AreaId, false);
            details = MoveTo(terms?.Route.AgencyId) ? terms?.Route.Details : null;
        }

        var change = Next(ChangeKind.Edited, Status, reason, editedBy, now, fields, former, details);
        if (editedBy != UserId && UserId != ErasedUser.Id) // no erasure reaches a report without an account
        {
            change.FormerTitle = title == Title ? null : title;
            change.FormerDescription = description == Description ? null : description;
        }

        return change;
    }

    /// <summary>Gives the report to an employee, or to none.</summary>
    /// <returns>The history entry, which the public sees without the name; null if nothing changes.</returns>
    public StatusChange? Assign(Guid? employee, Guid assignedBy, DateTimeOffset now)
    {
        if (AssigneeId == employee)
        {
            return null;
        }

        AssigneeId = employee;
        return Next(ChangeKind.Assigned, Status, comment: null, assignedBy, now);
    }

    /// <summary>
    /// Gives the report to another agency, or to none. The employee of the former one does not work on it any more. Call it with the report locked: another area
    /// alone is no new version.
    /// </summary>
    /// <param name="byHand">Staff chose the agency: changes of areas leave it.</param>
    /// <returns>The history entry; null if the agency stays.</returns>
    public StatusChange? Route(ReportRoute route, bool byHand, string? comment, Guid routedBy, DateTimeOffset now)
    {
        if (AreaId != route.AreaId)
        {
            AreaId = route.AreaId;
            Activity++;
        }

        RoutedByHand = byHand;
        return MoveTo(route.AgencyId) ? Next(ChangeKind.Routed, Status, comment, routedBy, now, details: route.Details) : null;
    }

    /// <summary>Adds what staff did about the report, such as a visit, to its history.</summary>
    /// <param name="details">What the reader learns, by wire names; see <see cref="StatusChange.Details"/>.</param>
    public StatusChange Record(ChangeKind kind, JsonElement? details, string? comment, Guid by, DateTimeOffset now) =>
        Next(kind, Status, comment, by, now, details: details);

    private bool MoveTo(Guid? agency)
    {
        if (agency == AgencyId)
        {
            return false;
        }

        (AgencyId, AssigneeId) = (agency, null);
        return true;
    }

    /// <summary>Makes a new version. Each change of a report has a later time.</summary>
    private StatusChange Next(ChangeKind kind, ReportStatus to, string? comment, Guid changedBy, DateTimeOffset now, string[]? fields = null, string? formerCategory = null, JsonElement? details = null)
    {
        UpdatedAt = now > UpdatedAt ? now : UpdatedAt.AddMicroseconds(1);
        Version++;
        return new StatusChange
        {
            ReportId = Id,
            Version = Version,
            Kind = kind,
            From = Status,
            To = to,
            Fields = fields,
            FormerCategory = formerCategory == Category ? null : formerCategory,
            Category = formerCategory is null || formerCategory == Category ? null : Category,
            IsPublic = fields is null || fields.Any(StatusChange.IsPublicField),
            Details = details,
            Comment = comment,
            ChangedBy = changedBy,
            At = UpdatedAt,
        };
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

        // No foreign key to the category: each insert would lock its row. A category that reports have is never deleted.
        report.HasOne<Report>().WithMany().HasForeignKey(row => row.DuplicateOf).OnDelete(DeleteBehavior.SetNull);
        report.HasIndex(row => row.DuplicateOf).HasFilter("duplicate_of IS NOT NULL");

        // Newest first for each filter. A list by category and status uses the more selective index.
        report.HasIndex(row => row.UpdatedAt).HasFilter(ReportVisibility.PublicSql); // Open311's updated_after
        report.HasIndex(row => new { row.UserId, row.Id });
        report.HasIndex(row => new { row.Category, row.Id });
        report.HasIndex(row => new { row.Status, row.Id });
        report.HasIndex(row => row.Location).HasMethod("gist");
        report.HasIndex(row => row.Id, "hidden").HasDatabaseName("ix_reports_hidden").HasFilter("hidden"); // the moderation queue
        report.HasIndex(row => row.Id, "private").HasDatabaseName("ix_reports_private").HasFilter("private");
        report.HasIndex(row => new { row.AgencyId, row.Id }).HasFilter("agency_id IS NOT NULL");
        report.HasIndex(row => new { row.AreaId, row.Id }).HasFilter("area_id IS NOT NULL");
        report.HasIndex(row => new { row.AssigneeId, row.Id }).HasFilter("assignee_id IS NOT NULL");
        report.HasIndex(row => row.FiledBy).HasFilter("filed_by IS NOT NULL"); // an erasure and an export read it
        report.HasIndex(row => row.ExpectedAt, "unmarked").HasDatabaseName("ix_reports_due").HasFilter(OverdueMarking.Open);
        report.HasIndex(row => row.Id, "unpromised").HasDatabaseName("ix_reports_unpromised").HasFilter(OverdueMarking.WithoutPromise);
        report.HasIndex(row => new { row.ExpectedAt, row.Id }).HasDatabaseName("ix_reports_expected").HasFilter(OverdueMarking.Expected);
        report.HasIndex(row => new { row.AgencyId, row.ExpectedAt, row.Id }).HasDatabaseName("ix_reports_agency_expected")
            .HasFilter($"agency_id IS NOT NULL AND {OverdueMarking.Expected}");
    }
}

internal static class ReportStatusConversion
{
    public static PropertyBuilder<ReportStatus> HasStatusConversion(this PropertyBuilder<ReportStatus> property) =>
        property.HasConversion(status => status.WireName(), name => ReportStatuses.Parse(name)).HasMaxLength(20);
}
