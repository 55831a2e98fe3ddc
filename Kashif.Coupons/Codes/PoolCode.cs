using Kashif.Coupons.Catalog;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Codes;

internal enum PoolCodeState
{
    /// <summary>In stock.</summary>
    Unused,

    /// <summary>Taken by a redemption.</summary>
    Given,

    /// <summary>Its redemption was cancelled after the user had seen it.</summary>
    Void,
}

/// <summary>A code of a coupon's pool. Changed only while the coupon's row is locked: the stock is the number of unused codes.</summary>
internal sealed class PoolCode
{
    public long Id { get; init; }
    public int CouponId { get; init; }

    /// <summary>The coupon's company: no two coupons of a company share a code, so that a code leads to one redemption.</summary>
    public int CompanyId { get; init; }
    public required string Code { get; init; }
    public PoolCodeState State { get; init; }

    /// <summary>The redemption that took it.</summary>
    public Guid? RedemptionId { get; init; }
}

internal sealed class PoolCodeConfiguration : IEntityTypeConfiguration<PoolCode>
{
    public void Configure(EntityTypeBuilder<PoolCode> code)
    {
        code.ToTable("coupon_codes", table => table.HasCheckConstraint("ck_coupon_codes_redemption_id", "(redemption_id IS NULL) = (state = 'unused')"));
        code.Property(row => row.Code).HasMaxLength(CodeFormat.MaxLength);
        code.Property(row => row.State).HasMaxLength(20).HasConversion(
            state => state.ToString().ToLowerInvariant(), text => Enum.Parse<PoolCodeState>(text, ignoreCase: true));
        code.HasOne<Coupon>().WithMany().HasForeignKey(row => row.CouponId).OnDelete(DeleteBehavior.Restrict);
        code.HasIndex(row => new { row.CompanyId, row.Code }).IsUnique();
        code.HasIndex(row => row.RedemptionId).IsUnique();
        code.HasIndex(row => new { row.CouponId, row.Id }).HasFilter("state = 'unused'");
    }
}
