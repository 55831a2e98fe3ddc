using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Sync;
using Kashif.Reporting.Trust;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Webhooks;
using Kashif.Reporting.Workforce;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Data;

internal sealed class ReportingDbContext(DbContextOptions<ReportingDbContext> options) : DbContext(options)
{
    public DbSet<Report> Reports => Set<Report>();
    public DbSet<StatusChange> StatusChanges => Set<StatusChange>();
    public DbSet<ReportChange> ReportChanges => Set<ReportChange>();
    public DbSet<FeedIdentity> FeedIdentities => Set<FeedIdentity>();
    public DbSet<ClientReport> ClientReports => Set<ClientReport>();
    public DbSet<ReportQuota> ReportQuotas => Set<ReportQuota>();
    public DbSet<ReporterScore> ReporterScores => Set<ReporterScore>();
    public DbSet<Photo> Photos => Set<Photo>();
    public DbSet<Category> Categories => Set<Category>();
    public DbSet<Agency> Agencies => Set<Agency>();
    public DbSet<CityArea> Areas => Set<CityArea>();
    public DbSet<Employee> Employees => Set<Employee>();
    public DbSet<Crew> Crews => Set<Crew>();
    public DbSet<CrewMember> CrewMembers => Set<CrewMember>();
    public DbSet<Vehicle> Vehicles => Set<Vehicle>();
    public DbSet<AuditEntry> AuditEntries => Set<AuditEntry>();
    public DbSet<Survey> Surveys => Set<Survey>();
    public DbSet<SurveyRequest> SurveyRequests => Set<SurveyRequest>();
    public DbSet<Vote> Votes => Set<Vote>();
    public DbSet<Follow> Follows => Set<Follow>();
    public DbSet<FollowerNotice> FollowerNotices => Set<FollowerNotice>();
    public DbSet<Comment> Comments => Set<Comment>();
    public DbSet<CommentQuota> CommentQuotas => Set<CommentQuota>();
    public DbSet<Webhook> Webhooks => Set<Webhook>();
    public DbSet<WebhookDelivery> WebhookDeliveries => Set<WebhookDelivery>();
    public DbSet<ApiKey> Open311Keys => Set<ApiKey>();
    public DbSet<Submission> Open311Submissions => Set<Submission>();
    public DbSet<Update> Open311Updates => Set<Update>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasPostgresExtension("postgis");
        modelBuilder.ApplyKashifConventions(this);
    }
}
