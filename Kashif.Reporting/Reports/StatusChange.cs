using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Reports;

/// <summary>The kinds of entries of a report's history.</summary>
internal enum ChangeKind
{
    /// <summary>A step forward.</summary>
    Status,

    /// <summary>Staff have taken a status back.</summary>
    TakenBack,

    /// <summary>Someone says that it is not fixed, or was wrongly rejected.</summary>
    Reopened,

    /// <summary>Texts, category or visibility; the status stays.</summary>
    Edited,

    /// <summary>An employee works on it, or none any more.</summary>
    Assigned,

    /// <summary>Another agency is responsible.</summary>
    Routed,

    /// <summary>It was added to a work order or removed from it, or the work order ended.</summary>
    WorkOrder,

    /// <summary>A visit was scheduled, moved, completed or cancelled.</summary>
    Visit,
}

/// <summary>An entry of a report's history. Append-only.</summary>
internal sealed class StatusChange
{
    public const int CommentMax = 1000;

    public const string TitleField = "title";
    public const string DescriptionField = "description";
    public const string CategoryField = "category";
    public const string AnonymousField = "anonymous";
    public const string PrivateField = "private";
    public const string HiddenField = "hidden";
    public const string AnswersField = "answers";

    /// <summary>The reporter has deleted their account.</summary>
    public const string ReporterField = "reporter";

    public Guid ReportId { get; init; }

    /// <summary>The report's version after this change.</summary>
    public int Version { get; init; }
    public ChangeKind Kind { get; init; }
    public ReportStatus From { get; init; }

    /// <summary>The same as <see cref="From"/> where only something else changed.</summary>
    public ReportStatus To { get; init; }

    /// <summary>What an edit has changed; null for others.</summary>
    public string[]? Fields { get; init; }

    /// <summary>The category before and after a change of it; both null for others.</summary>
    public string? FormerCategory { get; init; }
    public string? Category { get; init; }

    /// <summary>The texts before an edit by staff: what the reporter wrote is kept, for the reporter and staff.</summary>
    public string? FormerTitle { get; set; }
    public string? FormerDescription { get; set; }

    /// <summary>Public details of a visit, a work order or a new agency, by wire names such as <c>starts_at</c>; null for others. No names of employees.</summary>
    public JsonElement? Details { get; init; }

    /// <summary>False: only the owner and staff see it, because the report's visibility is not the public's business.</summary>
    public bool IsPublic { get; init; } = true;
    public string? Comment { get; init; }
    public Guid ChangedBy { get; init; }
    public DateTimeOffset At { get; init; }

    /// <summary>Whether the public sees that an edit changed the field.</summary>
    public static bool IsPublicField(string field) => field is TitleField or DescriptionField or CategoryField or AnswersField;
}

internal static class StatusHistory
{
    /// <summary>Adds an entry to the report's history; what staff did also to the audit trail, which stays when the report is deleted.</summary>
    /// <param name="agency">The report's agency before the change: its managers may read the entry of the audit trail.</param>
    public static void AddToHistory(this ReportingDbContext database, Report report, StatusChange change, Guid? agency, bool byStaff)
    {
        database.StatusChanges.Add(change);
        if (byStaff)
        {
            var values = new JsonObject { ["version"] = change.Version };
            if (change.Fields is { } fields)
            {
                values["fields"] = new JsonArray([.. fields.Select(field => JsonValue.Create(field))]);
            }

            if (report.AgencyId != agency)
            {
                values["agency_id"] = report.AgencyId?.ToString();
            }

            var action = change.From == change.To ? StatusChangeConfiguration.NameOf(change.Kind) : change.To.WireName();
            database.AuditValues(change.ChangedBy, action, "report", report.Id, agency, values, change.At);
        }
    }

    /// <returns>The status before the report's present one, and since when it has the present one.</returns>
    public static async Task<(ReportStatus From, DateTimeOffset At)> LastStatusAsync(
        this ReportingDbContext database, Report report, CancellationToken cancellationToken)
    {
        var last = await database.StatusChanges.AsNoTracking()
            .Where(change => change.ReportId == report.Id && change.From != change.To)
            .OrderByDescending(change => change.Version)
            .FirstOrDefaultAsync(cancellationToken);
        return last is null ? (ReportStatus.Submitted, report.UpdatedAt) : (last.From, last.At);
    }
}

internal sealed class StatusChangeConfiguration : IEntityTypeConfiguration<StatusChange>
{
    public void Configure(EntityTypeBuilder<StatusChange> change)
    {
        change.ToTable("status_changes");
        change.HasKey(row => new { row.ReportId, row.Version });
        change.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        change.HasIndex(row => row.ChangedBy); // an erasure and an export read it
        change.HasIndex(row => row.At); // Open311's updates are read by time
        change.Property(row => row.From).HasStatusConversion();
        change.Property(row => row.To).HasStatusConversion();
        change.Property(row => row.Kind).HasMaxLength(20).HasDefaultValue(ChangeKind.Status) // for inserts of the version before, like the next
            .HasConversion(kind => NameOf(kind), name => Parse(name));
        change.Property(row => row.IsPublic).HasDefaultValue(true);
        change.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
        change.Property(row => row.FormerCategory).HasMaxLength(Categories.Category.CodeMax);
    }

    public static string NameOf(ChangeKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    private static ChangeKind Parse(string name) => Enum.Parse<ChangeKind>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
