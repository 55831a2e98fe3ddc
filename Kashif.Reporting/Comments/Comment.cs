using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Comments;

/// <summary>What a user has written under a report.</summary>
internal sealed class Comment
{
    public const int TextMax = 2000;
    public const int ReasonMax = 500;

    /// <summary>How long its author may change it.</summary>
    public static readonly TimeSpan EditWindow = TimeSpan.FromMinutes(15);

    /// <summary>From TimeOrderedId: newer comments have greater ids.</summary>
    public Guid Id { get; init; }
    public Guid ReportId { get; init; }
    public Guid UserId { get; init; }
    public required string Text { get; set; }

    /// <summary>The author's role in the city when they wrote it; null for citizens, and for staff under their own report: there they are its reporter.</summary>
    public string? Role { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? EditedAt { get; set; }

    /// <summary>When a moderator hid it; null if everyone sees it.</summary>
    public DateTimeOffset? HiddenAt { get; set; }
    public Guid? HiddenBy { get; set; }
    public string? HiddenReason { get; set; }

    /// <summary>Whether the city speaks.</summary>
    public bool ByStaff => Role is not null;

    public bool IsHidden => HiddenAt is not null;
}

internal sealed class CommentConfiguration : IEntityTypeConfiguration<Comment>
{
    public void Configure(EntityTypeBuilder<Comment> comment)
    {
        comment.ToTable("comments");
        comment.Property(row => row.Id).ValueGeneratedNever();
        comment.Property(row => row.Role).HasMaxLength(20);
        comment.Ignore(row => row.ByStaff).Ignore(row => row.IsHidden);
        comment.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        comment.HasIndex(row => new { row.ReportId, row.Id });
        comment.HasIndex(row => new { row.UserId, row.Id });
        comment.HasIndex(row => row.HiddenBy).HasFilter("hidden_by IS NOT NULL");
    }
}
