using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Kashif.Messaging.Events;

/// <summary>Every integration event with its wire name, and which service listens to which: the event table of the contract, in code.</summary>
public static class EventCatalog
{
    /// <summary>How each event is read and written, by wire name.</summary>
    public static IReadOnlyDictionary<string, JsonTypeInfo> Types { get; } = new Dictionary<string, JsonTypeInfo>
    {
        [UserRegistered.Type] = EventsJson.Default.UserRegistered,
        [UserUpdated.Type] = EventsJson.Default.UserUpdated,
        [UserRolesChanged.Type] = EventsJson.Default.UserRolesChanged,
        [UserDeleted.Type] = EventsJson.Default.UserDeleted,
        [UserSignedOut.Type] = EventsJson.Default.UserSignedOut,
        [UserDataErased.Type] = EventsJson.Default.UserDataErased,
        [PasswordResetRequested.Type] = EventsJson.Default.PasswordResetRequested,
        [EmailVerificationRequested.Type] = EventsJson.Default.EmailVerificationRequested,
        [UserInvited.Type] = EventsJson.Default.UserInvited,
        [UserSecurityChanged.Type] = EventsJson.Default.UserSecurityChanged,
        [ReportCreated.Type] = EventsJson.Default.ReportCreated,
        [ReportStatusUpdated.Type] = EventsJson.Default.ReportStatusUpdated,
        [ReportUpdated.Type] = EventsJson.Default.ReportUpdated,
        [ReportDeleted.Type] = EventsJson.Default.ReportDeleted,
        [ReportAssigned.Type] = EventsJson.Default.ReportAssigned,
        [ReportMerged.Type] = EventsJson.Default.ReportMerged,
        [ReportRouted.Type] = EventsJson.Default.ReportRouted,
        [ReportOverdue.Type] = EventsJson.Default.ReportOverdue,
        [ReportVoted.Type] = EventsJson.Default.ReportVoted,
        [ReportCommented.Type] = EventsJson.Default.ReportCommented,
        [ReportFollowerNotice.Type] = EventsJson.Default.ReportFollowerNotice,
        [AreaFollowerNotice.Type] = EventsJson.Default.AreaFollowerNotice,
        [VisitScheduled.Type] = EventsJson.Default.VisitScheduled,
        [VisitMoved.Type] = EventsJson.Default.VisitMoved,
        [VisitCompleted.Type] = EventsJson.Default.VisitCompleted,
        [VisitCancelled.Type] = EventsJson.Default.VisitCancelled,
        [SurveyRequested.Type] = EventsJson.Default.SurveyRequested,
        [SurveyAnswered.Type] = EventsJson.Default.SurveyAnswered,
        [PointsAwarded.Type] = EventsJson.Default.PointsAwarded,
        [PointsRedeemed.Type] = EventsJson.Default.PointsRedeemed,
        [PointsReversed.Type] = EventsJson.Default.PointsReversed,
        [PointsExpired.Type] = EventsJson.Default.PointsExpired,
        [AchievementUnlocked.Type] = EventsJson.Default.AchievementUnlocked,
        [ScoreUpdated.Type] = EventsJson.Default.ScoreUpdated,
        [QuestCompleted.Type] = EventsJson.Default.QuestCompleted,
        [CouponRedeemed.Type] = EventsJson.Default.CouponRedeemed,
        [CouponUpdated.Type] = EventsJson.Default.CouponUpdated,
        [CompanyPartnerUpdated.Type] = EventsJson.Default.CompanyPartnerUpdated,
        [ProductCreated.Type] = EventsJson.Default.ProductCreated,
        [ProductUpdated.Type] = EventsJson.Default.ProductUpdated,
        [ProductDeleted.Type] = EventsJson.Default.ProductDeleted,
        [InventoryUpdated.Type] = EventsJson.Default.InventoryUpdated,
        [OrderCreated.Type] = EventsJson.Default.OrderCreated,
        [OrderUpdated.Type] = EventsJson.Default.OrderUpdated,
        [OrderCancelled.Type] = EventsJson.Default.OrderCancelled,
        [PaymentProcessed.Type] = EventsJson.Default.PaymentProcessed,
        [NotificationDelivered.Type] = EventsJson.Default.NotificationDelivered,
        [NotificationFailed.Type] = EventsJson.Default.NotificationFailed,
        [DeadLettersReplayed.Type] = EventsJson.Default.DeadLettersReplayed,
    };

    /// <summary>
    /// The wire names each service consumes. Publishers declare all of these queues before they publish, so that an event sent
    /// before its consumer's first start waits for it instead of being dropped as unroutable.
    /// </summary>
    public static IReadOnlyDictionary<string, string[]> Subscriptions { get; } = new Dictionary<string, string[]>
    {
        [ResourceNames.Auth] = [UserDataErased.Type, DeadLettersReplayed.Type],
        [ResourceNames.Reporting] =
        [
            ScoreUpdated.Type, ReportCreated.Type, ReportStatusUpdated.Type, ReportUpdated.Type, ReportDeleted.Type, ReportMerged.Type, ReportCommented.Type, ReportAssigned.Type,
            ReportVoted.Type, ReportOverdue.Type, UserRolesChanged.Type, ReportRouted.Type, UserDeleted.Type,
        ],
        [ResourceNames.Gamification] = [ReportCreated.Type, ReportStatusUpdated.Type, CompanyPartnerUpdated.Type, ReportUpdated.Type, ReportDeleted.Type, ReportMerged.Type, ReportVoted.Type, SurveyAnswered.Type, UserDeleted.Type],
        [ResourceNames.Coupons] = [UserDeleted.Type],
        [ResourceNames.Notifications] =
        [
            UserRegistered.Type, UserUpdated.Type, UserDeleted.Type, UserSignedOut.Type, EmailVerificationRequested.Type, PasswordResetRequested.Type,
            UserSecurityChanged.Type, ReportCreated.Type, ReportStatusUpdated.Type, ReportOverdue.Type, ReportCommented.Type, ReportAssigned.Type, ReportFollowerNotice.Type, AreaFollowerNotice.Type, PointsAwarded.Type, PointsRedeemed.Type, UserInvited.Type, SurveyRequested.Type,
            PointsReversed.Type, PointsExpired.Type, AchievementUnlocked.Type, ScoreUpdated.Type, QuestCompleted.Type, CouponRedeemed.Type, CouponUpdated.Type,
            OrderUpdated.Type, OrderCancelled.Type, VisitScheduled.Type, VisitMoved.Type, VisitCompleted.Type, VisitCancelled.Type,
        ],
    };

    private static readonly HashSet<string> Consumed = [.. Subscriptions.Values.SelectMany(types => types)];

    /// <returns>Whether at least one service consumes events of this wire name.</returns>
    public static bool IsConsumed(string type) => Consumed.Contains(type);
}

/// <summary>The wire format of the events, generated at build.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(UserRegistered))]
[JsonSerializable(typeof(UserUpdated))]
[JsonSerializable(typeof(UserRolesChanged))]
[JsonSerializable(typeof(UserDeleted))]
[JsonSerializable(typeof(UserSignedOut))]
[JsonSerializable(typeof(UserDataErased))]
[JsonSerializable(typeof(PasswordResetRequested))]
[JsonSerializable(typeof(EmailVerificationRequested))]
[JsonSerializable(typeof(UserInvited))]
[JsonSerializable(typeof(UserSecurityChanged))]
[JsonSerializable(typeof(ReportCreated))]
[JsonSerializable(typeof(ReportStatusUpdated))]
[JsonSerializable(typeof(ReportUpdated))]
[JsonSerializable(typeof(ReportDeleted))]
[JsonSerializable(typeof(ReportAssigned))]
[JsonSerializable(typeof(ReportMerged))]
[JsonSerializable(typeof(ReportRouted))]
[JsonSerializable(typeof(ReportOverdue))]
[JsonSerializable(typeof(ReportVoted))]
[JsonSerializable(typeof(ReportCommented))]
[JsonSerializable(typeof(ReportFollowerNotice))]
[JsonSerializable(typeof(AreaFollowerNotice))]
[JsonSerializable(typeof(VisitScheduled))]
[JsonSerializable(typeof(VisitMoved))]
[JsonSerializable(typeof(VisitCompleted))]
[JsonSerializable(typeof(VisitCancelled))]
[JsonSerializable(typeof(SurveyRequested))]
[JsonSerializable(typeof(SurveyAnswered))]
[JsonSerializable(typeof(PointsAwarded))]
[JsonSerializable(typeof(PointsRedeemed))]
[JsonSerializable(typeof(PointsReversed))]
[JsonSerializable(typeof(PointsExpired))]
[JsonSerializable(typeof(AchievementUnlocked))]
[JsonSerializable(typeof(ScoreUpdated))]
[JsonSerializable(typeof(QuestCompleted))]
[JsonSerializable(typeof(CouponRedeemed))]
[JsonSerializable(typeof(CouponUpdated))]
[JsonSerializable(typeof(CompanyPartnerUpdated))]
[JsonSerializable(typeof(ProductCreated))]
[JsonSerializable(typeof(ProductUpdated))]
[JsonSerializable(typeof(ProductDeleted))]
[JsonSerializable(typeof(InventoryUpdated))]
[JsonSerializable(typeof(OrderCreated))]
[JsonSerializable(typeof(OrderUpdated))]
[JsonSerializable(typeof(OrderCancelled))]
[JsonSerializable(typeof(PaymentProcessed))]
[JsonSerializable(typeof(NotificationDelivered))]
[JsonSerializable(typeof(NotificationFailed))]
[JsonSerializable(typeof(DeadLettersReplayed))]
internal sealed partial class EventsJson : JsonSerializerContext;
