using Kashif.Gamification.Achievements;
using Kashif.Gamification.Areas;
using Kashif.Gamification.History;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Partners;
using Kashif.Gamification.Rules;
using Kashif.Gamification.Quests;
using Kashif.Gamification.Trust;
using Kashif.Gamification.Profiles;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Data;

internal sealed class GamificationDbContext(DbContextOptions<GamificationDbContext> options) : DbContext(options)
{
    public DbSet<Balance> Balances => Set<Balance>();
    public DbSet<PointTransaction> Transactions => Set<PointTransaction>();
    public DbSet<PointExpiry> Expiries => Set<PointExpiry>();
    public DbSet<LedgerChain> Chains => Set<LedgerChain>();
    public DbSet<ReportEvent> ReportEvents => Set<ReportEvent>();
    public DbSet<ReportVote> ReportVotes => Set<ReportVote>();
    public DbSet<Area> Areas => Set<Area>();
    public DbSet<PeriodTotal> PeriodTotals => Set<PeriodTotal>();
    public DbSet<RuleVersion> RuleVersions => Set<RuleVersion>();
    public DbSet<RuleLine> RuleLines => Set<RuleLine>();
    public DbSet<ScopedTotal> ScopedTotals => Set<ScopedTotal>();
    public DbSet<Profile> Profiles => Set<Profile>();
    public DbSet<Level> Levels => Set<Level>();
    public DbSet<Achievement> Achievements => Set<Achievement>();
    public DbSet<UnlockedAchievement> UnlockedAchievements => Set<UnlockedAchievement>();
    public DbSet<Debit> Debits => Set<Debit>();
    public DbSet<CompanyPartner> CompanyPartners => Set<CompanyPartner>();
    public DbSet<Budget> Budgets => Set<Budget>();
    public DbSet<Quest> Quests => Set<Quest>();
    public DbSet<Participation> Participations => Set<Participation>();
    public DbSet<TrustModel> TrustModels => Set<TrustModel>();
    public DbSet<TrustScore> TrustScores => Set<TrustScore>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.ApplyKashifConventions(this);
}
