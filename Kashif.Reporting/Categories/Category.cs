using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Categories;

/// <summary>A category of reports.</summary>
internal sealed class Category
{
    public const int CodeMax = 50;
    public const int NameMax = 100;
    public const int IconMax = 50;
    public const int MaxTargetDays = 3650;
    public const int MaxTargetHours = MaxTargetDays * 24;
    public const int DuplicateDistance = 50;
    public const int MaxDuplicateDistance = 5000;

    public required string Code { get; init; }
    public required string NameEn { get; set; }
    public required string NameAr { get; set; }

    /// <summary>The name of a Material Symbols icon.</summary>
    public required string Icon { get; set; }

    /// <summary><c>#rrggbb</c>.</summary>
    public required string Colour { get; set; }

    /// <summary>The sort order in the list.</summary>
    public int Position { get; set; }

    /// <summary>In how many days a report is to be resolved; null if the service level is in hours, or there is none.</summary>
    public int? TargetDays { get; set; }

    /// <summary>The same in hours; null if the service level is in days, or there is none.</summary>
    public int? TargetHours { get; set; }

    /// <summary>Within how many metres of another open report a new one may be its duplicate.</summary>
    public int DuplicateDistanceM { get; set; } = DuplicateDistance;

    /// <summary>False: existing reports keep the category, new ones cannot use it.</summary>
    public bool Active { get; set; } = true;

    /// <summary>Since when new reports cannot use it; null if they can, or if it never was active.</summary>
    public DateTimeOffset? InactiveSince { get; set; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class CategoryConfiguration : IEntityTypeConfiguration<Category>
{
    public void Configure(EntityTypeBuilder<Category> category)
    {
        category.ToTable("categories");
        category.HasKey(row => row.Code);
        category.Property(row => row.Code).HasMaxLength(Category.CodeMax);
        category.Property(row => row.NameEn).HasMaxLength(Category.NameMax);
        category.Property(row => row.NameAr).HasMaxLength(Category.NameMax);
        category.Property(row => row.Icon).HasMaxLength(Category.IconMax);
        category.Property(row => row.Colour).HasMaxLength(7);
        category.Property(row => row.DuplicateDistanceM).HasDefaultValue(Category.DuplicateDistance);
        category.Property(row => row.Version).HasDefaultValue(1).IsConcurrencyToken();
        category.HasData(
            Seed(1, "pothole", "Pothole", "حفرة في الطريق", "road", "#b45309", 14),
            Seed(2, "street_light", "Street light", "إنارة الشوارع", "lightbulb", "#ca8a04", 7),
            Seed(3, "garbage", "Garbage", "نفايات", "delete", "#4d7c0f", 3),
            Seed(4, "water_leak", "Water leak", "تسرب مياه", "water_drop", "#0369a1", 2),
            Seed(5, "sewage", "Sewage", "صرف صحي", "plumbing", "#57534e", 3),
            Seed(6, "sidewalk", "Sidewalk", "رصيف", "directions_walk", "#6b7280", 30),
            Seed(7, "traffic_signal", "Traffic signal", "إشارة مرور", "traffic", "#dc2626", 2),
            Seed(8, "road_sign", "Road sign", "لوحة مرورية", "signpost", "#1d4ed8", 14),
            Seed(9, "graffiti", "Graffiti", "كتابة على الجدران", "format_paint", "#9333ea", 30),
            Seed(10, "abandoned_vehicle", "Abandoned vehicle", "مركبة مهجورة", "car_crash", "#374151", 30),
            Seed(11, "noise", "Noise", "ضوضاء", "volume_up", "#db2777", 7),
            Seed(12, "park", "Park and trees", "حدائق وأشجار", "park", "#15803d", 30),
            Seed(13, "road_damage", "Road damage", "أضرار الطريق", "edit_road", "#92400e", 30),
            Seed(14, "other", "Other", "أخرى", "help", "#64748b"));
    }

    private static Category Seed(int position, string code, string english, string arabic, string icon, string colour, int? targetDays = null) => new()
    {
        Code = code,
        NameEn = english,
        NameAr = arabic,
        Icon = icon,
        Colour = colour,
        Position = position,
        TargetDays = targetDays,
    };
}
