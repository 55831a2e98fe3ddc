using Google.Apis.Http;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Alerts;
using Kashif.Notifications.Assistant;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;
using Kashif.Notifications.Sending;
using Kashif.Notifications.Templates;
using Kashif.Notifications.Unsubscribe;
using Kashif.Security;
using MailKit.Net.Smtp;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications;

internal static class NotificationsExtensions
{
    public const string Root = "/api/v1/notifications";

    public static IHostApplicationBuilder AddNotifications(this IHostApplicationBuilder builder)
    {
        builder.AddKashifAuthentication();
        builder.AddKashifDbContext<NotificationsDbContext>(ResourceNames.NotificationsDb);
        builder.Services.AddValidation();
        builder.Services.AddJsonContext(NotificationsJson.Default);
        builder.Services.AddTemplates();
        builder.Services.AddAlerts();
        builder.Services.AddAssistant();
        return builder.AddEvents().AddInbox().AddDelivery().AddSending();
    }

    private static IHostApplicationBuilder AddSending(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SendSignal>();
        builder.Services.AddScoped<SendService>();
        builder.Services.AddHostedService<SendWorker>();
        builder.Services.AddHostedService<SendCleanup>();
        return builder;
    }

    private static IHostApplicationBuilder AddEvents(this IHostApplicationBuilder builder)
    {
        builder.Services.AddScoped<NotificationWriter>();
        builder.Services.AddScoped<IBatchStep>(provider => provider.GetRequiredService<NotificationWriter>());
        builder.Services.AddSingleton(EventNotifications.ReportCreated);
        builder.Services.AddSingleton(EventNotifications.ReportStatusUpdated);
        builder.Services.AddSingleton(EventNotifications.ReportCommented);
        builder.Services.AddSingleton(EventNotifications.ReportAssigned);
        builder.Services.AddSingleton(EventNotifications.SurveyRequested);
        builder.Services.AddSingleton(EventNotifications.PointsAwarded);
        builder.Services.AddSingleton(EventNotifications.PointsExpired);
        builder.Services.AddSingleton(EventNotifications.PointsReversed);
        builder.Services.AddSingleton(EventNotifications.QuestCompleted);
        builder.Services.AddSingleton(EventNotifications.AchievementUnlocked);
        builder.Services.AddSingleton(EventNotifications.CouponRedeemed);
        builder.Services.AddSingleton(EventNotifications.OrderUpdated);
        builder.Services.AddSingleton(EventNotifications.OrderCancelled);
        builder.Services.AddSingleton(EventNotifications.VisitScheduled);
        builder.Services.AddSingleton(EventNotifications.VisitMoved);
        builder.Services.AddSingleton(EventNotifications.VisitCompleted);
        builder.Services.AddSingleton(EventNotifications.VisitCancelled);
        builder.Services.AddSingleton(MailTemplates.EmailVerification);
        builder.Services.AddSingleton(MailTemplates.PasswordReset);
        builder.Services.AddSingleton(MailTemplates.Invitation);
        builder.Services.AddSingleton(MailTemplates.SecurityChanged);
        builder.AddEventConsumer<NotificationsDbContext>()
            .AddHandler<UserRegistered, WelcomeHandler>("welcome")
            .AddHandler<UserUpdated, RecipientHandler>("recipient")
            // The inbox stores handler names, so "letter" stays.
            .AddHandler<EmailVerificationRequested, AccountMailHandler<EmailVerificationRequested>>("letter")
            .AddHandler<PasswordResetRequested, AccountMailHandler<PasswordResetRequested>>("letter")
            .AddHandler<UserInvited, AccountMailHandler<UserInvited>>("letter")
            .AddHandler<UserSecurityChanged, AccountMailHandler<UserSecurityChanged>>("letter")
            .AddHandler<ReportCreated, NotificationHandler<ReportCreated>>("notify")
            .AddHandler<ReportStatusUpdated, NotificationHandler<ReportStatusUpdated>>("notify")
            .AddHandler<ReportCommented, NotificationHandler<ReportCommented>>("notify")
            .AddHandler<ReportAssigned, NotificationHandler<ReportAssigned>>("notify")
            .AddHandler<ReportFollowerNotice, FollowerNoticeHandler>("notify")
            .AddHandler<AreaFollowerNotice, FollowerNoticeHandler>("notify")
            .AddHandler<SurveyRequested, NotificationHandler<SurveyRequested>>("notify")
            .AddHandler<PointsAwarded, NotificationHandler<PointsAwarded>>("notify")
            .AddHandler<PointsExpired, NotificationHandler<PointsExpired>>("notify")
            .AddHandler<PointsReversed, NotificationHandler<PointsReversed>>("notify")
            .AddHandler<QuestCompleted, NotificationHandler<QuestCompleted>>("notify")
            .AddHandler<AchievementUnlocked, NotificationHandler<AchievementUnlocked>>("notify")
            .AddHandler<CouponRedeemed, NotificationHandler<CouponRedeemed>>("notify")
            .AddHandler<OrderUpdated, NotificationHandler<OrderUpdated>>("notify")
            .AddHandler<OrderCancelled, NotificationHandler<OrderCancelled>>("notify")
            .AddHandler<VisitScheduled, NotificationHandler<VisitScheduled>>("notify")
            .AddHandler<VisitMoved, NotificationHandler<VisitMoved>>("notify")
            .AddHandler<VisitCompleted, NotificationHandler<VisitCompleted>>("notify")
            .AddHandler<VisitCancelled, NotificationHandler<VisitCancelled>>("notify")
            .AddHandler<UserSignedOut, SignedOutHandler>("sign_out")
            .AddHandler<UserDeleted, NotificationErasure>("erasure")
            .AddAlertHandlers();
        builder.Services.AddHostedService<EndedSessionCleanup>();
        return builder;
    }

    private static IHostApplicationBuilder AddInbox(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<InboxOptions>().BindConfiguration(InboxOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<InboxWakeUps>();
        services.AddHostedService(provider => provider.GetRequiredService<InboxWakeUps>());
        services.AddSingleton<InboxStreams>();
        services.AddHostedService<SnoozeWorker>();
        services.AddHostedService<DigestWorker>();
        services.AddHostedService<DigestCleanup>();
        services.AddSingleton<UnsubscribeTokens>();
        return builder;
    }

    private static IHostApplicationBuilder AddDelivery(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<DeliveryOptions>().BindConfiguration(DeliveryOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<FirebaseOptions>().BindConfiguration(FirebaseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<HttpClientFactory>();
        services.AddSingleton<IPushSender>(provider => provider.GetRequiredService<IOptions<FirebaseOptions>>().Value.IsSet
            ? ActivatorUtilities.CreateInstance<FirebasePushSender>(provider)
            : ActivatorUtilities.CreateInstance<LoggingPushSender>(provider));
        services.AddOptions<SmtpOptions>().BindConfiguration(SmtpOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<MailLinkOptions>().BindConfiguration(MailLinkOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<Func<SmtpClient>>(() => new SmtpClient { CheckCertificateRevocation = false }); // Like HttpClient's default.
        services.AddSingleton<IMailSender>(provider => provider.GetRequiredService<IOptions<SmtpOptions>>().Value switch
        {
            { IsServerSet: true } => ActivatorUtilities.CreateInstance<SmtpMailSender>(provider),
            { IsPickupSet: true } => ActivatorUtilities.CreateInstance<PickupMailSender>(provider),
            _ => ActivatorUtilities.CreateInstance<LoggingMailSender>(provider),
        });
        services.AddSingleton<NotificationMetrics>();
        services.AddHostedService<DeliveryCleanup>();
        services.AddHostedService<DeviceCleanup>();

        // One consumer per channel, so that a slow mail server does not delay pushes.
        services.AddSingleton<DeliveryQueues>();
        services.AddSingleton<DeliveryHealth>();
        services.AddHealthChecks().AddCheck<DeliveryHealth>(DeliveryHealth.Name, HealthStatus.Degraded);
        services.AddChannel<PushChannel>().AddChannel<EmailChannel>();
        return builder;
    }

    private static IServiceCollection AddChannel<TChannel>(this IServiceCollection services)
        where TChannel : class, IDeliveryChannel => services
        .AddSingleton<TChannel>()
        .AddSingleton<DeliverySignal<TChannel>>()
        .AddSingleton<ChannelPause<TChannel>>()
        .AddHostedService<DeliveryDispatcher<TChannel>>()
        .AddHostedService<DeliveryConsumer<TChannel>>();
}
