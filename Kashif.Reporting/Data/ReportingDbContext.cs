using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Calendars;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Imports;
using Kashif.Reporting.Notes;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Promises;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Kashif.Reporting.ResponseTemplates;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Sync;
using Kashif.Reporting.Trust;
using Kashif.Reporting.Visits;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Webhooks;
using Kashif.Reporting.WorkOrders;
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
    public DbSet<ImportRecord> Imports => Set<ImportRecord>();
    public DbSet<ReportQuota> ReportQuotas => Set<ReportQuota>();
    public DbSet<ReporterScore> ReporterScores => Set<ReporterScore>();
    public DbSet<Photo> Photos => Set<Photo>();
    public DbSet<Category> Categories => Set<Category>();
    public DbSet<Question> Questions => Set<Question>();
    public DbSet<ReportAnswer> ReportAnswers => Set<ReportAnswer>();
    public DbSet<Promise> Promises => Set<Promise>();
    public DbSet<Agency> Agencies => Set<Agency>();
    public DbSet<CityArea> Areas => Set<CityArea>();
    public DbSet<RoutingChange> RoutingChanges => Set<RoutingChange>();
    public DbSet<Employee> Employees => Set<Employee>();
    public DbSet<StaffAccount> StaffAccounts => Set<StaffAccount>();
    public DbSet<Crew> Crews => Set<Crew>();
    public DbSet<CrewMember> CrewMembers => Set<CrewMember>();
    public DbSet<Vehicle> Vehicles => Set<Vehicle>();
    public DbSet<ReportNote> Notes => Set<ReportNote>();
    public DbSet<ResponseTemplate> ResponseTemplates => Set<ResponseTemplate>();
    public DbSet<AuditEntry> AuditEntries => Set<AuditEntry>();
    public DbSet<Project> Projects => Set<Project>();
    public DbSet<WorkOrder> WorkOrders => Set<WorkOrder>();
    public DbSet<WorkOrderReport> WorkOrderReports => Set<WorkOrderReport>();
    public DbSet<Visit> Visits => Set<Visit>();
    public DbSet<CalendarFeed> CalendarFeeds => Set<CalendarFeed>();
    public DbSet<Survey> Surveys => Set<Survey>();
    public DbSet<SurveyRequest> SurveyRequests => Set<SurveyRequest>();
    public DbSet<Vote> Votes => Set<Vote>();
    public DbSet<Follow> Follows => Set<Follow>();
    public DbSet<AreaFollow> AreaFollows => Set<AreaFollow>();
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
        modelBuilder.HasPostgresExtension("btree_gist"); // for the slots of visits
        modelBuilder.ApplyKashifConventions(this);
    }
}
