using Kashif.Cache;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.History;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Partners;
using Kashif.Gamification.Points;
using Kashif.Gamification.Rules;
using Kashif.Gamification.Quests;
using Kashif.Gamification.Trust;
using Kashif.Gamification.Profiles;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Security;

namespace Kashif.Gamification;

internal static class GamificationExtensions
{
    public static IHostApplicationBuilder AddGamification(this IHostApplicationBuilder builder)
    {
        builder.AddKashifAuthentication();
        builder.AddKashifDbContext<GamificationDbContext>(ResourceNames.GamificationDb);
        builder.AddKashifCache(_ => RankingCache.Timeout);
        builder.AddEventConsumer<GamificationDbContext>()
            .AddHandler<ReportCreated, ReportHistory>("history.report-created")
            .AddHandler<ReportStatusUpdated, ReportHistory>("history.report-status")
            .AddHandler<ReportUpdated, ReportHistory>("history.report-updated")
            .AddHandler<ReportDeleted, ReportHistory>("history.report-deleted")
            .AddHandler<ReportMerged, ReportHistory>("history.report-merged")
            .AddHandler<SurveyAnswered, ReportHistory>("history.survey-answered")
            .AddHandler<ReportCreated, Awards>("awards.report-created")
            .AddHandler<ReportStatusUpdated, Awards>("awards.report-status")
            .AddHandler<ReportUpdated, Awards>("awards.report-updated")
            .AddHandler<ReportDeleted, Awards>("awards.report-deleted")
            .AddHandler<ReportMerged, Awards>("awards.report-merged")
            .AddHandler<SurveyAnswered, Awards>("awards.survey-answered")
            .AddHandler<ReportCreated, QuestRewards>("quests.report-created")
            .AddHandler<ReportStatusUpdated, QuestRewards>("quests.report-status")
            .AddHandler<ReportVoted, ReportVotes>("quests.votes")
            .AddHandler<ReportVoted, QuestRewards>("quests.report-voted")
            .AddHandler<ReportStatusUpdated, TrustScores>("trust.report-status")
            .AddHandler<SurveyAnswered, TrustScores>("trust.survey-answered")
            .AddHandler<CompanyPartnerUpdated, CompanyPartners>("partners.partner-updated")
            .AddHandler<UserDeleted, PointsErasure>("erasure");

        var services = builder.Services;
        services.AddValidation();
        services.AddJsonContext(GamificationJson.Default);
        services.AddOptions<PointsOptions>().BindConfiguration(PointsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddScoped<PointsLedger>();
        services.AddSingleton<PointsMetrics>();
        services.AddSingleton<ExpiryPolicy>();
        services.AddScoped<ILedgerStep, ExpiryQueue>();
        services.AddHostedService<ExpiryService>();
        services.AddSingleton<ExpiringCache>();
        services.AddOptions<DebitOptions>().BindConfiguration(DebitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHostedService<DebitCleanup>();
        services.AddCommand(VerifyCommand.Name, VerifyCommand.RunAsync);

        services.AddSingleton<RankingSignal>();
        services.AddSingleton<RankingCache>();
        services.AddSingleton<LeaderboardSnapshots>();
        services.AddScoped<ILedgerStep, LeaderboardStep>();
        services.AddHostedService<RankingRebuild>();
        services.AddHostedService<PeriodCleanup>();
        services.AddOptions<ProfileOptions>().BindConfiguration(ProfileOptions.Section).ValidateOnStart();
        services.AddSingleton<DisplayNames>();

        services.AddSingleton<RulebookReader>();
        services.AddHostedService<QuestExpiry>();
        services.AddOptions<TrustOptions>().BindConfiguration(TrustOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddScoped<TrustTrainer>();
        services.AddSingleton<TrustSignal>();
        services.AddHostedService<TrustRefresh>();
        services.AddHostedService<TrustTraining>();
        services.AddSingleton<LevelCache>();
        services.AddScoped<Progress>();
        services.AddSingleton<AchievementMetrics>();
        services.AddScoped<AchievementUnlocks>();
        services.AddScoped<ILedgerStep>(provider => provider.GetRequiredService<AchievementUnlocks>());

        // In this order: awards and quests book points, then achievements follow from all that is booked.
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<Awards>());
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<QuestRewards>());
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<TrustScores>());
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<AchievementUnlocks>());
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<PointsLedger>());
        return builder;
    }
}
