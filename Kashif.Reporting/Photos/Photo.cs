using Kashif.Messaging;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Photos;

/// <summary>
/// A photo of a report. The row is written before its files are, and deleted after them (<see cref="PhotoSweeper"/>), so that no file is ever
/// without a row.
/// </summary>
internal sealed class Photo
{
    private Photo()
    {
    }

    /// <summary>From <see cref="TimeOrderedId"/>: photos sort by it.</summary>
    public Guid Id { get; private init; }

    /// <summary>Null before <see cref="PhotoUploads.AttachAsync"/>, and after the report is gone.</summary>
    public Guid? ReportId { get; private set; }

    /// <summary>Who uploaded it.</summary>
    public Guid UserId { get; private set; }
    public PhotoState State { get; private set; }

    /// <summary>By a moderator's decision, only staff and the report's owner see it.</summary>
    public bool Hidden { get; private set; }
    public PhotoFormat Format { get; private init; }
    public int Width { get; private init; }
    public int Height { get; private init; }

    /// <summary>In bytes; likewise the next two.</summary>
    public int Size { get; private init; }
    public int MediumSize { get; private init; }
    public int ThumbSize { get; private init; }
    public DateTimeOffset CreatedAt { get; private init; }

    public static Photo Create(Guid userId, ProcessedPhoto processed, DateTimeOffset now) => new()
    {
        Id = TimeOrderedId.Create(now),
        UserId = userId,
        State = PhotoState.Pending,
        Format = processed.Format,
        Width = processed.Width,
        Height = processed.Height,
        Size = processed.Original.Length,
        MediumSize = processed.Medium.Length,
        ThumbSize = processed.Thumb.Length,
        CreatedAt = now,
    };

    /// <param name="size">Which of its files.</param>
    public int LengthOf(PhotoSize size) => size switch
    {
        PhotoSize.Original => Size,
        PhotoSize.Medium => MediumSize,
        PhotoSize.Thumb => ThumbSize,
        _ => throw new ArgumentOutOfRangeException(nameof(size)),
    };

    /// <summary>The medium and the thumbnail are JPEG always.</summary>
    public PhotoFormat FormatOf(PhotoSize size) => size is PhotoSize.Original ? Format : PhotoFormat.Jpeg;
}

/// <summary>The files of a photo. The numbers are stored.</summary>
internal enum PhotoSize
{
    Original = 0,
    Medium = 1,
    Thumb = 2,
}

internal enum PhotoState
{
    /// <summary>Its files are being stored, or it waits for its report's transaction.</summary>
    Pending,

    /// <summary>Part of its report.</summary>
    Attached,

    /// <summary>To the API it is gone; its files are deleted soon.</summary>
    Deleted,
}

internal sealed class PhotoConfiguration : IEntityTypeConfiguration<Photo>
{
    public void Configure(EntityTypeBuilder<Photo> photo)
    {
        photo.ToTable("photos");
        photo.HasKey(row => row.Id);
        photo.Property(row => row.Id).ValueGeneratedNever();
        photo.Property(row => row.State).HasMaxLength(20)
            .HasConversion(state => state.ToString().ToLowerInvariant(), name => Enum.Parse<PhotoState>(name, ignoreCase: true));
        photo.Property(row => row.Format).HasMaxLength(20)
            .HasConversion(format => format.ToString().ToLowerInvariant(), name => Enum.Parse<PhotoFormat>(name, ignoreCase: true));

        // The row outlives its report, until its files are deleted.
        photo.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.SetNull);
        photo.HasIndex(row => new { row.ReportId, row.Id });
        photo.HasIndex(row => row.UserId); // an erasure and an export read it
        photo.HasIndex(row => row.CreatedAt).HasDatabaseName("ix_photos_to_sweep").HasFilter(PhotoSweeper.Loose);
    }
}
