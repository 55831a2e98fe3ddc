using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Catalog;

/// <summary>A local company that offers coupons.</summary>
internal sealed class Company : ICatalogEntry
{
    public const int NameLength = 200;
    public const int UrlLength = 2000;
    public const int DescriptionLength = 4000;

    public int Id { get; init; }
    public required string Name { get; set; }
    public string? LogoUrl { get; set; }
    public required string Description { get; set; }

    /// <summary>Greater at each change of the company's partners.</summary>
    public int PartnersVersion { get; init; }
}

internal sealed class CompanyConfiguration : IEntityTypeConfiguration<Company>
{
    public void Configure(EntityTypeBuilder<Company> company)
    {
        company.ToTable("companies");
        company.Property(row => row.Name).HasMaxLength(Company.NameLength);
        company.Property(row => row.LogoUrl).HasMaxLength(Company.UrlLength);
        company.HasIndex(row => row.Name).IsUnique();
    }
}
