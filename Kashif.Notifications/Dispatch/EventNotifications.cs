using System.Globalization;
using System.Text.Json.Nodes;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Notifications.Templates;
using NodaTime;

namespace Kashif.Notifications.Dispatch;

/// <summary>The notification of every event.</summary>
internal static class EventNotifications
{
    public static EventNotification<UserRegistered> UserRegistered { get; } = new(
        user => user.UserId,
        user => new() { ["full_name"] = user.FullName },
        _ => []);

    public static EventNotification<ReportCreated> ReportCreated { get; } = new(
        report => report.UserId,
        report => new() { ["title"] = report.Title },
        report => new() { ["report_id"] = Text(report.ReportId) });

    public static EventNotification<ReportStatusUpdated> ReportStatusUpdated { get; } = new(
        report => report.UserId,
        report => new() { ["title"] = report.Title, ["status"] = report.To, ["comment"] = report.Comment },
        report => new() { ["report_id"] = Text(report.ReportId), ["status"] = report.To },
        Actor: report => report.ChangedBy);

    /// <summary>For the report's owner. Without the text, which its author may delete.</summary>
    public static EventNotification<ReportCommented> ReportCommented { get; } = new(
        comment => comment.ReporterId,
        comment => new() { ["title"] = comment.Title, ["by_staff"] = comment.ByStaff },
        comment => new() { ["report_id"] = Text(comment.ReportId), ["comment_id"] = Text(comment.CommentId) },
        Actor: comment => comment.UserId);

    /// <summary>For the employee who works on it now.</summary>
    public static EventNotification<ReportAssigned> ReportAssigned { get; } = new(
        report => report.EmployeeId ?? ErasedUser.Id,
        report => new() { ["title"] = report.Title },
        report => new() { ["report_id"] = Text(report.ReportId) },
        Actor: report => report.AssignedBy);

    /// <summary>For the reporter, who was promised a time. Reporting publishes nothing for a report of another system.</summary>
    public static EventNotification<ReportOverdue> ReportOverdue { get; } = new(
        report => report.UserId,
        report => new() { ["title"] = report.Title, ["due_at"] = report.DueAt },
        report => new() { ["report_id"] = Text(report.ReportId) });

    public static EventNotification<SurveyRequested> SurveyRequested { get; } = new(
        survey => survey.UserId,
        survey => new() { ["title"] = survey.Title, ["answer_until"] = survey.AnswerUntil },
        survey => new() { ["report_id"] = Text(survey.ReportId), ["survey_id"] = Text(survey.SurveyId) });

    public static EventNotification<PointsAwarded> PointsAwarded { get; } = new(
        points => points.UserId,
        points => new() { ["points"] = points.Points, ["balance"] = points.Balance },
        points => new() { ["transaction_id"] = Text(points.TransactionId), ["points"] = Text(points.Points), ["balance"] = Text(points.Balance) });

    public static EventNotification<PointsExpired> PointsExpired { get; } = new(
        points => points.UserId,
        points => new() { ["points"] = points.Points, ["balance"] = points.Balance },
        points => new() { ["transaction_id"] = Text(points.TransactionId), ["points"] = Text(points.Points), ["balance"] = Text(points.Balance) });

    /// <summary>Also where spent points are given back.</summary>
    public static EventNotification<PointsReversed> PointsReversed { get; } = new(
        points => points.UserId,
        points => new() { ["points"] = points.Points, ["balance"] = points.Balance, ["reason"] = points.Reason },
        points => new()
        {
            ["transaction_id"] = Text(points.TransactionId),
            ["points"] = Text(points.Points),
            ["balance"] = Text(points.Balance),
            ["reason"] = points.Reason,
        });

    public static EventNotification<QuestCompleted> QuestCompleted { get; } = new(
        quest => quest.UserId,
        quest => new() { ["title"] = quest.Title, ["title_ar"] = quest.TitleAr, ["points"] = quest.Points },
        quest => new() { ["quest_id"] = Text(quest.QuestId), ["points"] = Text(quest.Points) });

    public static EventNotification<AchievementUnlocked> AchievementUnlocked { get; } = new(
        achievement => achievement.UserId,
        achievement => new() { ["title"] = achievement.Title, ["title_ar"] = achievement.TitleAr ?? achievement.Title },
        achievement => new() { ["code"] = achievement.Code });

    /// <summary>Without the code, which a lock screen would show. By e-mail too, as the receipt.</summary>
    public static EventNotification<CouponRedeemed> CouponRedeemed { get; } = new(
        coupon => coupon.UserId,
        coupon => new() { ["title"] = coupon.Title, ["points_spent"] = coupon.PointsSpent },
        coupon => new() { ["redemption_id"] = Text(coupon.RedemptionId), ["coupon_id"] = Text(coupon.CouponId), ["points_spent"] = Text(coupon.PointsSpent) },
        ByEmail: true);

    /// <summary>The steps that the buyer waits for. Not <c>paid</c>, which is the answer to the order, nor <c>cancelling</c>: <see cref="OrderCancelled"/> follows.</summary>
    public static EventNotification<OrderUpdated> OrderUpdated { get; } = new(
        order => order.UserId,
        order => new() { ["status"] = order.To, ["reason"] = null },
        order => new() { ["order_id"] = Text(order.OrderId), ["status"] = order.To },
        When: order => order.To is "packed" or "shipped" or "delivered");

    public static EventNotification<OrderCancelled> OrderCancelled { get; } = new(
        order => order.UserId,
        order => new() { ["status"] = "cancelled", ["reason"] = order.Reason },
        order => new() { ["order_id"] = Text(order.OrderId), ["status"] = "cancelled" },
        Type: Messaging.Events.OrderUpdated.Type,
        When: order => order.Reason != Messaging.Events.OrderCancelled.ByBuyer);

    /// <summary>One for each follower.</summary>
    public static IEnumerable<NotificationDraft> FollowerNotices(ReceivedEvent<ReportFollowerNotice> received)
    {
        var notice = received.Data;
        var (type, data) = notice.Status is { } status
            ? (TemplateCodes.ReportFollowedChanged, ("status", status))
            : (Kashif.Messaging.Events.ReportCommented.Type, ("comment_id", Text(notice.CommentId ?? Guid.Empty)));
        return notice.UserIds.Select(user => new NotificationDraft(
            CauseId.Of(notice.CauseId, user),
            user,
            type,
            type,
            notice.Status is null
                ? new() { ["title"] = notice.Title, ["by_staff"] = notice.ByStaff }
                : new() { ["title"] = notice.Title, ["status"] = notice.Status, ["comment"] = notice.Comment },
            new Dictionary<string, string> { ["report_id"] = Text(notice.ReportId), [data.Item1] = data.Item2 },
            received.Time));
    }

    /// <summary>One for each follower. The cause is that of an alert near the place, too, so a user with both is told once.</summary>
    public static IEnumerable<NotificationDraft> AreaFollowerNotices(ReceivedEvent<AreaFollowerNotice> received)
    {
        var notice = received.Data;
        var type = notice.Resolved ? TemplateCodes.AreaReportResolved : TemplateCodes.AreaReportCreated;
        return notice.UserIds.Select(user => new NotificationDraft(
            CauseId.Of(notice.CauseId, user),
            user,
            type,
            type,
            notice.Resolved
                ? new() { ["title"] = notice.Title, ["area"] = notice.AreaName, ["area_ar"] = notice.AreaNameAr, ["comment"] = notice.Comment }
                : new() { ["title"] = notice.Title, ["area"] = notice.AreaName, ["area_ar"] = notice.AreaNameAr },
            new Dictionary<string, string> { ["report_id"] = Text(notice.ReportId), ["area_id"] = Text(notice.AreaId) },
            received.Time));
    }

    /// <summary>For the reporter who is to be there; visits without an appointment tell no one.</summary>
    public static EventNotification<VisitScheduled> VisitScheduled { get; } = new(
        visit => visit.UserId,
        visit => Visit("scheduled", visit.Title, visit.Confirmed, visit.StartsAt, visit.EndsAt, visit.TimeZone),
        visit => Visit("scheduled", visit.VisitId, visit.ReportId),
        Actor: visit => visit.ChangedBy,
        Type: TemplateCodes.VisitUpdated);

    public static EventNotification<VisitMoved> VisitMoved { get; } = new(
        visit => visit.UserId,
        visit => Visit("moved", visit.Title, visit.Confirmed, visit.StartsAt, visit.EndsAt, visit.TimeZone),
        visit => Visit("moved", visit.VisitId, visit.ReportId),
        Actor: visit => visit.ChangedBy,
        Type: TemplateCodes.VisitUpdated);

    public static EventNotification<VisitCompleted> VisitCompleted { get; } = new(
        visit => visit.UserId,
        visit => Visit("completed", visit.Title, confirmed: true, visit.StartsAt, visit.EndsAt, visit.TimeZone, visit.Comment),
        visit => Visit("completed", visit.VisitId, visit.ReportId),
        Actor: visit => visit.ChangedBy,
        Type: TemplateCodes.VisitUpdated);

    public static EventNotification<VisitCancelled> VisitCancelled { get; } = new(
        visit => visit.UserId,
        visit => Visit("cancelled", visit.Title, confirmed: false, visit.StartsAt, visit.EndsAt, visit.TimeZone),
        visit => Visit("cancelled", visit.VisitId, visit.ReportId),
        Actor: visit => visit.ChangedBy,
        Type: TemplateCodes.VisitUpdated);

    /// <summary>The times on the city's clock: an appointment is at a place there.</summary>
    private static JsonObject Visit(string change, string title, bool confirmed, DateTimeOffset starts, DateTimeOffset ends, string timeZone, string? comment = null)
    {
        var zone = DateTimeZoneProviders.Tzdb.GetZoneOrNull(timeZone) ?? DateTimeZone.Utc;
        var (from, to) = (Instant.FromDateTimeOffset(starts).InZone(zone), Instant.FromDateTimeOffset(ends).InZone(zone));
        return new()
        {
            ["title"] = title,
            ["change"] = change,
            ["confirmed"] = confirmed,
            ["day"] = from.ToString("uuuu'-'MM'-'dd", CultureInfo.InvariantCulture),
            ["from"] = from.ToString("HH':'mm", CultureInfo.InvariantCulture),
            ["to"] = to.ToString(from.Date == to.Date ? "HH':'mm" : "uuuu'-'MM'-'dd HH':'mm", CultureInfo.InvariantCulture),
            ["comment"] = comment,
        };
    }

    private static Dictionary<string, string> Visit(string change, Guid visit, Guid? report)
    {
        var data = new Dictionary<string, string> { ["visit_id"] = Text(visit), ["change"] = change };
        if (report is { } id)
        {
            data["report_id"] = Text(id);
        }

        return data;
    }

    private static string Text(ISpanFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
