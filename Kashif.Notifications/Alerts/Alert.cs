using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Alerts;

/// <summary>What an alert watches.</summary>
public enum AlertKind
{
    /// <summary>The trust score crosses a value.</summary>
    Score,

    /// <summary>The balance of points crosses a value.</summary>
    Balance,

    /// <summary>Another user reports a problem near a place.</summary>
    ReportNear,

    /// <summary>A report of the user passes its date.</summary>
    ReportOverdue,

    /// <summary>A coupon is back in stock or about to expire.</summary>
    Coupon,
}

/// <summary>In which direction a value crosses a threshold.</summary>
public enum AlertDirection
{
    /// <summary>From less than the threshold to the threshold or more.</summary>
    Above,

    /// <summary>From the threshold or more to less.</summary>
    Below,
}

/// <summary>A user's own rule. The fields that belong to its <see cref="Kind"/> are set; see <see cref="AlertFields"/>.</summary>
internal sealed class Alert
{
    public const int MaxPerUser = 50;
    public const int MaxCategoryLength = 50;

    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public AlertKind Kind { get; init; }
    public double? Threshold { get; set; }
    public AlertDirection? Direction { get; set; }

    /// <summary>Null for every category.</summary>
    public string? Category { get; set; }
    public double? Latitude { get; set; }
    public double? Longitude { get; set; }
    public double? RadiusKm { get; set; }
    public int? CouponId { get; init; }
    public bool Muted { get; set; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was created, last changed or resumed: what happened before does not fire it.</summary>
    public DateTimeOffset ActiveSince { get; set; }

    /// <summary>The balance or score of the latest event; null before the first.</summary>
    public double? LastValue { get; set; }

    /// <summary>The time of that event. Older ones are ignored.</summary>
    public DateTimeOffset? LastAt { get; set; }

    /// <summary>The end of the coupon that <see cref="CouponExpiry"/> has announced, or kept silent about.</summary>
    public DateTimeOffset? ExpiringFor { get; init; }
}

internal sealed class AlertConfiguration : IEntityTypeConfiguration<Alert>
{
    public void Configure(EntityTypeBuilder<Alert> builder)
    {
        builder.ToTable("alerts");
        builder.HasKey(alert => alert.Id);
        builder.Property(alert => alert.Id).ValueGeneratedNever();
        builder.Property(alert => alert.Kind).HasMaxLength(20).HasConversion(kind => kind.WireName(), name => AlertNames.Kind(name));
        builder.Property(alert => alert.Direction).HasMaxLength(10).HasConversion<string>();
        builder.Property(alert => alert.Category).HasMaxLength(Alert.MaxCategoryLength);
        builder.HasIndex(alert => new { alert.UserId, alert.Id });
        builder.HasIndex(alert => alert.CouponId).HasFilter("coupon_id IS NOT NULL");
    }
}
