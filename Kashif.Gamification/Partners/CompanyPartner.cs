using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Partners;

/// <summary>A partner of a company as Coupons last published it, for the company's budgets and quests.</summary>
internal sealed class CompanyPartner
{
    public int CompanyId { get; init; }
    public Guid UserId { get; init; }

    /// <summary>False for a removed partner: the row stays, so that an older event that arrives late gives nothing back.</summary>
    public bool IsPartner { get; init; }

    /// <summary>Of the event, which orders the events of a company.</summary>
    public int Version { get; init; }
}

internal sealed class CompanyPartnerConfiguration : IEntityTypeConfiguration<CompanyPartner>
{
    public void Configure(EntityTypeBuilder<CompanyPartner> partner)
    {
        partner.ToTable("company_partners");
        partner.HasKey(row => new { row.UserId, row.CompanyId });
    }
}
