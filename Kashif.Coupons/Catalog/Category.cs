using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Coupons.Catalog;

internal sealed class Category : ICatalogEntry
{
    public const int NameLength = 100;
    public const int DescriptionLength = 1000;

    public int Id { get; init; }
    public required string Name { get; init; }
    public required string Description { get; init; }
}

internal sealed class CategoryConfiguration : IEntityTypeConfiguration<Category>
{
    public void Configure(EntityTypeBuilder<Category> category)
    {
        category.ToTable("categories");
        category.Property(row => row.Name).HasMaxLength(Category.NameLength);
        category.HasIndex(row => row.Name).IsUnique();
    }
}
