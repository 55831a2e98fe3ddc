using Kashif.Messaging.Geography;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Areas;

/// <summary>A part of the city, for rules and leaderboards: a circle.</summary>
internal sealed class Area
{
    public const int CodeLength = 50;
    public const int NameLength = 100;

    public required string Code { get; init; }
    public required string NameEn { get; set; }
    public required string NameAr { get; set; }

    /// <summary>The centre, in degrees (WGS 84).</summary>
    public double Latitude { get; set; }
    public double Longitude { get; set; }
    public double RadiusKm { get; set; }

    /// <returns>The code of the smallest area that contains the point; null if none does, or there is no point.</returns>
    public static string? Of(double? latitude, double? longitude, IEnumerable<Area> areas) => latitude is { } north && longitude is { } east
        ? areas.Where(area => GreatCircle.DistanceKm(north, east, area.Latitude, area.Longitude) <= area.RadiusKm)
            .OrderBy(area => area.RadiusKm).ThenBy(area => area.Code, StringComparer.Ordinal).FirstOrDefault()?.Code
        : null;
}

internal sealed class AreaConfiguration : IEntityTypeConfiguration<Area>
{
    public void Configure(EntityTypeBuilder<Area> area)
    {
        area.ToTable("areas", table => table.HasCheckConstraint("ck_areas_place", "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180 AND radius_km > 0"));
        area.HasKey(row => row.Code);
        area.Property(row => row.Code).HasMaxLength(Area.CodeLength);
        area.Property(row => row.NameEn).HasMaxLength(Area.NameLength);
        area.Property(row => row.NameAr).HasMaxLength(Area.NameLength);
    }
}
