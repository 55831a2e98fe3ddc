using Kashif.Coupons.Catalog;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Redemptions;

internal enum RedemptionStatus
{
    /// <summary>One item is taken from the stock; the points may or may not be debited yet.</summary>
    Reserved,

    /// <summary>The offer or the reservation ended before the code was issued, or the user cancels; the points are given back if they are debited.</summary>
    Refunding,

    /// <summary>The points are debited and the code is issued.</summary>
    Completed,

    /// <summary>The points are not debited, or given back, and the item is back in stock.</summary>
    Cancelled,
}

/// <summary>A user's purchase of a coupon and the state of its saga, changed only by <see cref="RedemptionSaga"/>.</summary>
internal sealed class Redemption
{
    public Guid Id { get; init; }
    public int CouponId { get; init; }
    public Guid UserId { get; init; }
    public RedemptionStatus Status { get; init; }
    public int PointsCost { get; init; }

    /// <summary>The code to show at the company's till; null until completed.</summary>
    public string? Code { get; init; }

    /// <summary>The coupon's.</summary>
    public CodeMode CodeMode { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>While reserved: recovery cancels it from then on. Null for one that a former version has reserved.</summary>
    public DateTimeOffset? ReservedUntil { get; init; }

    /// <summary>When the user cancelled it after it had been completed.</summary>
    public DateTimeOffset? CancelledAt { get; init; }

    /// <summary>When the company accepted the code.</summary>
    public DateTimeOffset? UsedAt { get; init; }

    /// <summary>While open: recovery skips the redemption until this time, because another worker has it.</summary>
    public DateTimeOffset LeasedUntil { get; init; }
}

internal sealed class RedemptionConfiguration : IEntityTypeConfiguration<Redemption>
{
    public void Configure(EntityTypeBuilder<Redemption> redemption)
    {
        redemption.ToTable("redemptions", table =>
        {
            table.HasCheckConstraint("ck_redemptions_code", "(code IS NOT NULL) = (status = 'completed')");
            table.HasCheckConstraint("ck_redemptions_used_at", "used_at IS NULL OR status = 'completed'");
            table.HasCheckConstraint("ck_redemptions_ended_at", "(ended_at IS NULL) = (status IN ('reserved', 'refunding'))");
        });
        redemption.Property(row => row.Id).ValueGeneratedNever();
        redemption.Property(row => row.Status).HasMaxLength(20).HasConversion(
            status => status.ToString().ToLowerInvariant(), text => Enum.Parse<RedemptionStatus>(text, ignoreCase: true));
        redemption.Property(row => row.Code).HasMaxLength(CodeFormat.MaxLength);
        redemption.Property(row => row.CodeMode).HasMaxLength(20).HasDefaultValue(CodeMode.Generated).HasSentinel(CodeMode.Generated)
            .HasConversion(mode => mode.ToString().ToLowerInvariant(), text => Enum.Parse<CodeMode>(text, ignoreCase: true));
        redemption.HasOne<Coupon>().WithMany().HasForeignKey(row => row.CouponId).OnDelete(DeleteBehavior.Restrict);
        redemption.HasIndex(row => row.Code, "generated").IsUnique().HasFilter("code_mode = 'generated'").HasDatabaseName("ix_redemptions_generated_code");
        redemption.HasIndex(row => row.Code);
        redemption.HasIndex(row => new { row.UserId, row.Id });
        redemption.HasIndex(row => new { row.CouponId, row.UserId });
        redemption.HasIndex(row => new { row.CouponId, row.Id });
        redemption.HasIndex(row => row.LeasedUntil).HasFilter("ended_at IS NULL");
        redemption.HasIndex(row => row.UserId).HasFilter("ended_at IS NULL");
    }
}
