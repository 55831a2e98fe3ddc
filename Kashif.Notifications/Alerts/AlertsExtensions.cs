using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Alerts;

internal static class AlertsExtensions
{
    public static IServiceCollection AddAlerts(this IServiceCollection services)
    {
        services.AddOptions<AlertOptions>().BindConfiguration(AlertOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHttpClient<CouponReader>(client => client.BaseAddress = new Uri($"https+http://{ResourceNames.Coupons}"));
        services.AddScoped<AlertWriter>();
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<AlertWriter>());
        services.AddScoped<ReportAlerts>();
        services.AddScoped<ValueAlerts>();
        services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<ValueAlerts>()); // before NotificationWriter, which writes what this adds
        services.AddSingleton(AlertValues.PointsAwarded);
        services.AddSingleton(AlertValues.PointsRedeemed);
        services.AddSingleton(AlertValues.PointsReversed);
        services.AddSingleton(AlertValues.PointsExpired);
        services.AddSingleton(AlertValues.ScoreUpdated);
        services.AddHostedService<CouponExpiry>();
        services.AddHostedService<KnownCouponCleanup>();
        services.AddHostedService<PendingReportWorker>();
        return services;
    }

    public static EventConsumerBuilder AddAlertHandlers(this EventConsumerBuilder consumer) => consumer
        .AddHandler<PointsAwarded, ValueAlertHandler<PointsAwarded>>("alert")
        .AddHandler<PointsRedeemed, ValueAlertHandler<PointsRedeemed>>("alert")
        .AddHandler<PointsReversed, ValueAlertHandler<PointsReversed>>("alert")
        .AddHandler<PointsExpired, ValueAlertHandler<PointsExpired>>("alert")
        .AddHandler<ScoreUpdated, ValueAlertHandler<ScoreUpdated>>("alert")
        .AddHandler<ReportCreated, ReportNearHandler>("alert")
        .AddHandler<ReportOverdue, ReportOverdueHandler>("alert")
        .AddHandler<CouponUpdated, CouponUpdatedHandler>("alert");
}
