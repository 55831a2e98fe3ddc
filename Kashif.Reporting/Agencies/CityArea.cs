using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Agencies;

/// <summary>A part of the city, such as a district, and the agency that is responsible for some or all categories there.</summary>
internal sealed class CityArea
{
    public const int NameMax = 100;

    public Guid Id { get; init; }
    public required string NameEn { get; set; }
    public required string NameAr { get; set; }

    /// <summary>Null for an area that only serves statistics and followers.</summary>
    public Guid? AgencyId { get; set; }

    /// <summary>The categories that its agency is responsible for; empty for all.</summary>
    public string[] Categories { get; set; } = [];

    /// <summary>In degrees of WGS 84, east before north; parts and holes as in GeoJSON. No part crosses the antimeridian.</summary>
    public required MultiPolygon Boundary { get; set; }

    /// <summary>Of two areas that hold a place, the smaller one wins.</summary>
    public double SquareMetres { get; set; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class CityAreaConfiguration : IEntityTypeConfiguration<CityArea>
{
    public void Configure(EntityTypeBuilder<CityArea> area)
    {
        area.ToTable("areas");
        area.HasKey(row => row.Id);
        area.Property(row => row.Id).ValueGeneratedNever();
        area.Property(row => row.Version).IsConcurrencyToken();
        area.Property(row => row.Boundary).HasColumnType("geometry (MultiPolygon, 4326)");
        area.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        area.HasIndex(row => row.AgencyId);
        area.HasIndex(row => row.NameEn).IsUnique();
        area.HasIndex(row => row.Boundary).HasMethod("gist");
    }
}
