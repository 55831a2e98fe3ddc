using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
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
            .AddHandler<ReportStatusUpdated, FollowerNotices>("followers.report-status")
            .AddHandler<ReportCommented, FollowerNotices>("followers.report-commented")
            .AddHandler<ReportCreated, WebhookWriter>("webhooks.report-created")
            .AddHandler<ReportStatusUpdated, WebhookWriter>("webhooks.report-status")
            .AddHandler<ReportUpdated, WebhookWriter>("webhooks.report-updated")
            .AddHandler<ReportDeleted, WebhookWriter>("webhooks.report-deleted")
            .AddHandler<ReportMerged, WebhookWriter>("webhooks.report-merged")
            .AddHandler<ReportCommented, WebhookWriter>("webhooks.report-commented")
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
        services.AddSingleton<IReportRouting, AgencyRouting>();
        services.AddHttpContextAccessor();
        services.AddScoped<IClaimsTransformation, AgencyClaims>();
        services.AddOptions<SyncOptions>().BindConfiguration(SyncOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddScoped<ReportMerges>();
        services.AddScoped<IReportMerge, VoteMerge>();
        services.AddScoped<IReportMerge, FollowMerge>();
        services.AddScoped<IReopenRight, VoterReopening>();
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
        services.AddOpen311();
        services.AddPhotos();
        return builder;
    }
}
