using Kashif.Reporting.Agencies;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Follows;

/// <summary>A user who is told of the new and the resolved reports of an area. It ends with the area.</summary>
internal sealed class AreaFollow
{
    public Guid AreaId { get; init; }
    public Guid UserId { get; init; }
    public DateTimeOffset At { get; init; }
}

internal sealed class AreaFollowConfiguration : IEntityTypeConfiguration<AreaFollow>
{
    public void Configure(EntityTypeBuilder<AreaFollow> follow)
    {
        follow.ToTable("area_follows");
        follow.HasKey(row => new { row.AreaId, row.UserId });
        follow.HasOne<CityArea>().WithMany().HasForeignKey(row => row.AreaId).OnDelete(DeleteBehavior.Cascade);
        follow.HasIndex(row => new { row.UserId, row.At, row.AreaId });
    }
}
