using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Promises;

/// <summary>The measured time within which most reports of a category were resolved in an area, which is promised for new ones.</summary>
internal sealed class Promise
{
    /// <summary>The area of the row that counts all areas.</summary>
    public static readonly Guid AllAreas = Guid.Empty;

    public required string Category { get; init; }

    /// <summary>No foreign key: the next measurement removes the row of an area that is gone.</summary>
    public Guid AreaId { get; init; }

    /// <summary>From the filing to the final resolution.</summary>
    public double Hours { get; init; }

    /// <summary>How many reports were measured.</summary>
    public int Reports { get; init; }
    public DateTimeOffset MeasuredAt { get; init; }

    /// <summary>In whole hours, so that a new report is never promised the minute in which others were closed.</summary>
    public static TimeSpan TimeOf(double hours) => TimeSpan.FromHours(Math.Max(1, Math.Ceiling(hours)));
}

internal sealed class PromiseConfiguration : IEntityTypeConfiguration<Promise>
{
    public void Configure(EntityTypeBuilder<Promise> promise)
    {
        promise.ToTable("promises");
        promise.HasKey(row => new { row.Category, row.AreaId });
        promise.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
    }
}
