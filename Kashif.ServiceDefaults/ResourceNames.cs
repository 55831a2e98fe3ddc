namespace Kashif;

/// <summary>The names of the resources in the AppHost, which are also the names that services use to reach one another.</summary>
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
    /// The services besides Auth that hold data about people. A deletion waits for each of them; an export holds a part of each, in this order.
    /// </summary>
    public static IReadOnlyList<string> UserDataServices { get; } = [Reporting, Gamification, Coupons, Notifications];
}
