using System.Globalization;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>The notification of every event, in English and Arabic.</summary>
internal static class EventTemplates
{
    public static EventTemplate<UserRegistered> UserRegistered { get; } = new(
        user => user.UserId,
        _ => [],
        user => new("Welcome to Kashif", $"Hello {user.FullName}! Report problems in your city, earn points and redeem them for coupons."),
        user => new("أهلاً بك في كاشف", $"مرحباً {user.FullName}! بلّغ عن الأعطال في مدينتك، واجمع النقاط، واستبدلها بقسائم."));

    public static EventTemplate<ReportCreated> ReportCreated { get; } = new(
        report => report.UserId,
        report => new() { ["report_id"] = Text(report.ReportId) },
        report => new("Report received", $"Thank you. We have received your report “{report.Title}”."),
        report => new("تم استلام بلاغك", $"شكراً لك. تم استلام بلاغك «{report.Title}»."));

    public static EventTemplate<ReportStatusUpdated> ReportStatusUpdated { get; } = new(
        report => report.UserId,
        report => new() { ["report_id"] = Text(report.ReportId), ["status"] = report.To },
        report => new("Report status updated", WithComment($"“{report.Title}” is now {EnglishStatus(report.To)}.", report.Comment)),
        report => new("تحديث على بلاغك", WithComment($"حالة بلاغك «{report.Title}» الآن: {ArabicStatus(report.To)}.", report.Comment)),
        Actor: report => report.ChangedBy);

    public static EventTemplate<PointsAwarded> PointsAwarded { get; } = new(
        points => points.UserId,
        points => new() { ["transaction_id"] = Text(points.TransactionId), ["points"] = Text(points.Points), ["balance"] = Text(points.Balance) },
        points => new("Points earned", $"You have earned {Text(points.Points)} points. Your balance is {Text(points.Balance)}."),
        points => new("نقاط جديدة", $"لقد كسبت {Text(points.Points)} نقطة. رصيدك الآن {Text(points.Balance)}."));

    /// <summary>Without the code, which a lock screen would show. By e-mail too, as the receipt.</summary>
    public static EventTemplate<CouponRedeemed> CouponRedeemed { get; } = new(
        coupon => coupon.UserId,
        coupon => new() { ["redemption_id"] = Text(coupon.RedemptionId), ["coupon_id"] = Text(coupon.CouponId), ["points_spent"] = Text(coupon.PointsSpent) },
        coupon => new("Coupon redeemed", $"“{coupon.Title}” is yours for {Text(coupon.PointsSpent)} points. Find its code in your coupons."),
        coupon => new("تم استبدال القسيمة", $"حصلت على «{coupon.Title}» مقابل {Text(coupon.PointsSpent)} نقطة. تجد رمزها ضمن قسائمك."),
        ByEmail: true);

    private static string Text(ISpanFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string WithComment(string text, string? comment) => string.IsNullOrWhiteSpace(comment) ? text : $"{text}\n{comment}";

    private static string EnglishStatus(string status) => status.Replace('_', ' ');

    private static string ArabicStatus(string status) => status switch
    {
        "submitted" => "مُستلم",
        "verified" => "تم التحقق منه",
        "in_progress" => "قيد المعالجة",
        "resolved" => "تم الحل",
        "rejected" => "مرفوض",
        "duplicate" => "مكرر",
        "withdrawn" => "مسحوب",
        _ => status,
    };
}
