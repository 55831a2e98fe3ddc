using Kashif.Coupons.Catalog;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Partners;

/// <summary>A user who manages a company's coupons, if the user also has the role <c>partner</c>.</summary>
internal sealed class CompanyPartner
{
    public int CompanyId { get; init; }
    public Guid UserId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>For the migration: tells the other services of the partners from before the event, once.</summary>
    public const string PublishExistingSql = """
        INSERT INTO outbox (id, type, subject, payload, occurred_at)
        SELECT gen_random_uuid(), 'company.partner_updated', company_id::text,
            jsonb_build_object('company_id', company_id, 'user_id', user_id, 'is_partner', true, 'version', 0), now()
        FROM company_partners
        """;
}

internal sealed class CompanyPartnerConfiguration : IEntityTypeConfiguration<CompanyPartner>
{
    public void Configure(EntityTypeBuilder<CompanyPartner> partner)
    {
        partner.ToTable("company_partners");
        partner.HasKey(row => new { row.CompanyId, row.UserId });
        partner.HasIndex(row => row.UserId);
        partner.HasOne<Company>().WithMany().HasForeignKey(row => row.CompanyId).OnDelete(DeleteBehavior.Restrict);
    }
}
