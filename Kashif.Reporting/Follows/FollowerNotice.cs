using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Follows;

/// <summary>A new report, or a change of one, with more followers than one transaction tells: <see cref="FollowerNoticeWorker"/> tells the others.</summary>
internal sealed class FollowerNotice
{
    /// <summary>The event that announced it.</summary>
    public Guid EventId { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>The user who made the change, or reported it, who is not told.</summary>
    public Guid ActorId { get; init; }

    /// <summary>The new status; null for a comment and for a new report.</summary>
    public string? Status { get; init; }

    /// <summary>What staff wrote about the new status.</summary>
    public string? Text { get; init; }

    /// <summary>The new comment; null for a status and for a new report.</summary>
    public Guid? CommentId { get; init; }

    /// <summary>Whether the city commented.</summary>
    public bool ByStaff { get; init; }
    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>The last user who was told; the empty id before the first.</summary>
    public Guid LastUserId { get; set; }
}

internal sealed class FollowerNoticeConfiguration : IEntityTypeConfiguration<FollowerNotice>
{
    public void Configure(EntityTypeBuilder<FollowerNotice> notice)
    {
        notice.ToTable("follower_notices");
        notice.HasKey(row => row.EventId);
        notice.Property(row => row.EventId).ValueGeneratedNever();
        notice.Property(row => row.Status).HasMaxLength(20);
        notice.HasIndex(row => row.ActorId); // an erasure reads it
    }
}
