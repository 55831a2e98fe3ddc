using Kashif.Gamification.Achievements;
using Kashif.Gamification.Areas;
using Kashif.Gamification.History;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
using Kashif.Gamification.Profiles;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Data;

internal sealed class GamificationDbContext(DbContextOptions<GamificationDbContext> options) : DbContext(options)
{
    public DbSet<Balance> Balances => Set<Balance>();
    public DbSet<PointTransaction> Transactions => Set<PointTransaction>();
    public DbSet<LedgerChain> Chains => Set<LedgerChain>();
    public DbSet<ReportEvent> ReportEvents => Set<ReportEvent>();
    public DbSet<Area> Areas => Set<Area>();
    public DbSet<PeriodTotal> PeriodTotals => Set<PeriodTotal>();
    public DbSet<ScopedTotal> ScopedTotals => Set<ScopedTotal>();
    public DbSet<Profile> Profiles => Set<Profile>();
    public DbSet<Level> Levels => Set<Level>();
    public DbSet<Achievement> Achievements => Set<Achievement>();
    public DbSet<UnlockedAchievement> UnlockedAchievements => Set<UnlockedAchievement>();
    public DbSet<Rule> Rules => Set<Rule>();
    public DbSet<Debit> Debits => Set<Debit>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.ApplyKashifConventions(this);
}
