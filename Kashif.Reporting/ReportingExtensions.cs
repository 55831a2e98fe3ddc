using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Duplicates;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Imports;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Managers;
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
using Kashif.Reporting.Workforce;
using Kashif.Reporting.WorkOrders;
using Kashif.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting;

internal static class ReportingExtensions
{
    public static IHostApplicationBuilder AddReporting(this IHostApplicationBuilder builder)
    {
        builder.AddKashifAuthentication();
        builder.AddKashifDbContext<ReportingDbContext>(ResourceNames.ReportingDb, npgsql => npgsql.UseNetTopologySuite());
        builder.AddEventConsumer<ReportingDbContext>()
            .AddHandler<ScoreUpdated, ReporterScores>("scores")
            .AddHandler<ReportCreated, FollowerNotices>("followers.report-created")
            .AddHandler<ReportStatusUpdated, FollowerNotices>("followers.report-status")
            .AddHandler<ReportCommented, FollowerNotices>("followers.report-commented")
            .AddHandler<ReportCreated, WebhookWriter>("webhooks.report-created")
            .AddHandler<ReportStatusUpdated, WebhookWriter>("webhooks.report-status")
            .AddHandler<ReportUpdated, WebhookWriter>("webhooks.report-updated")
            .AddHandler<ReportDeleted, WebhookWriter>("webhooks.report-deleted")
            .AddHandler<ReportMerged, WebhookWriter>("webhooks.report-merged")
            .AddHandler<ReportRouted, WebhookWriter>("webhooks.report-routed")
            .AddHandler<ReportCommented, WebhookWriter>("webhooks.report-commented")
            .AddHandler<ReportAssigned, WebhookWriter>("webhooks.report-assigned")
            .AddHandler<ReportVoted, WebhookWriter>("webhooks.report-voted")
            .AddHandler<ReportOverdue, WebhookWriter>("webhooks.report-overdue")
            .AddHandler<UserRolesChanged, StaffAccounts>("workforce.staff-accounts")
            .AddHandler<UserDeleted, ReportingErasure>("erasure");

        var services = builder.Services;
        services.AddValidation();
        services.AddJsonContext(ReportingJson.Default);
        services.AddOptions<ReportingOptions>().BindConfiguration(ReportingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<CategoryCache>();
        services.AddSingleton<ReportingMetrics>();
        services.AddSingleton<ReportColumns>();
        services.AddSingleton<ReportWriter>();
        services.AddHttpClient<CustomerAccounts>(client => client.BaseAddress = new Uri($"https+http://{ResourceNames.Auth}"));
        services.AddSingleton<ReportRules>();
        services.AddSingleton<AgencyRouting>();
        services.AddSingleton<IReportRouting>(provider => provider.GetRequiredService<AgencyRouting>());
        services.AddHostedService<Rerouting>();
        services.AddHttpContextAccessor();
        services.AddScoped<IClaimsTransformation, AgencyClaims>();
        services.AddAuthorizationBuilder()
            .AddPolicy(
                ManagerScope.Policy, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => context.User.IsModerator || context.User.ManagedAgencyOrNull is not null))
            .AddPolicy(WebhookScope.Policy, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => context.User.ManagesWebhooks));
        services.AddScoped<Dependents>();
        services.AddScoped<IHangsOn, AgencyDependents>();
        services.AddScoped<IHangsOn, WorkforceDependents>();
        services.AddScoped<IHangsOn, WorkOrderDependents>();
        services.AddScoped<IHangsOn, VisitDependents>();
        services.AddScoped<IHangsOn, ResponseTemplateDependents>();
        services.AddScoped<IHangsOn, WebhookDependents>();
        services.AddSingleton<PublicReports>();
        services.AddSingleton<RecentReports>();
        services.AddHealthChecks().AddCheck<PublicReportsHealth>(PublicReportsHealth.Name);
        services.AddHostedService<PublicReportsRefresh>();
        services.AddScoped<ReportLists>();
        services.AddOptions<SyncOptions>().BindConfiguration(SyncOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddScoped<ReportMerges>();
        services.AddScoped<Importer>();
        services.AddScoped<IReportMerge, VoteMerge>();
        services.AddScoped<IReportMerge, FollowMerge>();
        services.AddScoped<IReportMerge, WorkOrderMerge>();
        services.AddScoped<IReopenRight, VoterReopening>();
        services.AddScoped<IReopenRight, DuplicateReopening>();
        services.AddScoped<OrderReports>();
        services.AddScoped<VisitChanges>();
        services.AddScoped<IOrderVisits>(provider => provider.GetRequiredService<VisitChanges>());
        services.AddSingleton<VisitMetrics>();
        services.AddHostedService<OverdueMarking>();
        services.AddOptions<SurveyOptions>().BindConfiguration(SurveyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHostedService<SurveyAsking>();
        services.AddHostedService<TombstoneCleanup>();
        services.AddScoped<FollowerNotices>();
        services.AddHostedService<FollowerNoticeWorker>();
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<WebhookSecrets>();
        services.AddSingleton<WebhookClient>();
        services.AddHostedService<WebhookWorker>();
        services.AddHostedService<WebhookCleanup>();
        services.AddQuestions();
        services.AddPromises();
        services.AddOpen311();
        services.AddPhotos();
        return builder;
    }
}
