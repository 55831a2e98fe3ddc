namespace Kashif.Notifications.Templates;

/// <summary>The codes of the texts of alerts.</summary>
internal static class AlertTemplates
{
    /// <summary>The type of all alerts.</summary>
    public const string Type = "alert";

    public const string Balance = "alert.balance";
    public const string Score = "alert.score";
    public const string ReportNear = "alert.report_near";
    public const string ReportOverdue = "alert.report_overdue";
    public const string CouponBack = "alert.coupon_back";
    public const string CouponExpiring = "alert.coupon_expiring";
}
