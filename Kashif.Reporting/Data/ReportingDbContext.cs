using Kashif.Messaging;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Trust;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Data;

internal sealed class ReportingDbContext(DbContextOptions<ReportingDbContext> options) : DbContext(options)
{
    public DbSet<Report> Reports => Set<Report>();
    public DbSet<StatusChange> StatusChanges => Set<StatusChange>();
    public DbSet<ReportQuota> ReportQuotas => Set<ReportQuota>();
    public DbSet<ReporterScore> ReporterScores => Set<ReporterScore>();
    public DbSet<Category> Categories => Set<Category>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasPostgresExtension("postgis");
        modelBuilder.ApplyKashifConventions(this);
    }
}
