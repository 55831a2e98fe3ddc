namespace Kashif;

/// <summary>The names of the AppHost's resources. Service discovery uses the same names.</summary>
public static class ResourceNames
{
    public const string Postgres = "postgres";
    public const string AuthDb = "auth-db";
    public const string ReportingDb = "reporting-db";
    public const string GamificationDb = "gamification-db";
    public const string CouponsDb = "coupons-db";
    public const string NotificationsDb = "notifications-db";

    public const string Messaging = "messaging";
    public const string Cache = "cache";

    public const string Auth = "auth";
    public const string Reporting = "reporting";
    public const string Gamification = "gamification";
    public const string Coupons = "coupons";
    public const string Notifications = "notifications";
    public const string Gateway = "gateway";

    /// <summary>
    /// The services except Auth that store user data. A deletion waits for all of them. An export has a part of each, in this order.
    /// </summary>
    public static IReadOnlyList<string> UserDataServices { get; } = [Reporting, Gamification, Coupons, Notifications];
}
