using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Notes;

/// <summary>What staff have written about a report for each other. It is on no public surface, and not for the reporter.</summary>
internal sealed class ReportNote
{
    /// <summary>The kind in the audit trail.</summary>
    public const string Kind = "note";
    public const int TextMax = 4000;

    /// <summary>From TimeOrderedId: newer notes have greater ids.</summary>
    public Guid Id { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>The author; the empty id after the account was deleted.</summary>
    public Guid UserId { get; init; }
    public required string Text { get; set; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? EditedAt { get; set; }
}

internal static class ReportNotes
{
    /// <summary>Adds a note, which is written with the change itself.</summary>
    public static ReportNote AddNote(this ReportingDbContext database, Guid report, Guid author, string text, DateTimeOffset now)
    {
        var note = new ReportNote { Id = TimeOrderedId.Create(now), ReportId = report, UserId = author, Text = text.Trim(), CreatedAt = now };
        database.Notes.Add(note);
        return note;
    }
}

internal sealed class ReportNoteConfiguration : IEntityTypeConfiguration<ReportNote>
{
    public void Configure(EntityTypeBuilder<ReportNote> note)
    {
        note.ToTable("report_notes");
        note.HasKey(row => row.Id);
        note.Property(row => row.Id).ValueGeneratedNever();
        note.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        note.HasIndex(row => new { row.ReportId, row.Id });
        note.HasIndex(row => new { row.UserId, row.Id });
    }
}
