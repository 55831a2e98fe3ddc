using Kashif.Cache;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.History;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
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
            .AddHandler<ReportCreated, ReportCreatedAwards>("awards.report-created")
            .AddHandler<ReportStatusUpdated, ReportStatusAwards>("awards.report-status")
            .AddHandler<UserDeleted, PointsErasure>("erasure");

        var services = builder.Services;
        services.AddValidation();
        services.AddJsonContext(GamificationJson.Default);
        services.AddScoped<Awards>();
        services.AddScoped<PointsLedger>();
        services.AddScoped<ILedgerStep, LeaderboardStep>();
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<PointsLedger>());
        services.AddScoped<Progress>();
        services.AddScoped<AchievementUnlocks>();
        services.AddScoped<ILedgerStep>(provider => provider.GetRequiredService<AchievementUnlocks>());
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<AchievementUnlocks>());
        services.AddSingleton<LevelCache>();
        services.AddSingleton<DisplayNames>();
        services.AddOptions<PointsOptions>().BindConfiguration(PointsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ProfileOptions>().BindConfiguration(ProfileOptions.Section).ValidateOnStart();
        services.AddSingleton<PointsMetrics>();
        services.AddSingleton<RankingSignal>();
        services.AddSingleton<RankingCache>();
        services.AddSingleton<LeaderboardSnapshots>();
        services.AddHostedService<RankingRebuild>();
        services.AddHostedService<PeriodCleanup>();
        services.AddOptions<DebitOptions>().BindConfiguration(DebitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHostedService<DebitCleanup>();
        return builder;
    }
}
