using Kashif.Coupons.Catalog;
using Kashif.Coupons.Codes;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Data;

internal sealed class CouponsDbContext(DbContextOptions<CouponsDbContext> options) : DbContext(options)
{
    public DbSet<Company> Companies => Set<Company>();
    public DbSet<CompanyPartner> CompanyPartners => Set<CompanyPartner>();
    public DbSet<Category> Categories => Set<Category>();
    public DbSet<Coupon> Coupons => Set<Coupon>();
    public DbSet<StockMovement> StockMovements => Set<StockMovement>();
    public DbSet<PoolCode> PoolCodes => Set<PoolCode>();
    public DbSet<CodeSigningKey> CodeSigningKeys => Set<CodeSigningKey>();
    public DbSet<Redemption> Redemptions => Set<Redemption>();
    public DbSet<Product> Products => Set<Product>();
    public DbSet<ProductMovement> ProductMovements => Set<ProductMovement>();
    public DbSet<Order> Orders => Set<Order>();
    public DbSet<OrderItem> OrderItems => Set<OrderItem>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.ApplyKashifConventions(this);
}
