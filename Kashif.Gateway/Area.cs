namespace Kashif.Gateway;

/// <summary>A part of the API, <c>/api/v1/{Name}</c>, and the service that answers for it.</summary>
internal sealed record Area(string Name, string Service, string Title)
{
    public static IReadOnlyList<Area> All { get; } =
    [
        new("auth", ResourceNames.Auth, "Auth"),
        new("reports", ResourceNames.Reporting, "Reporting"),
        new("gamification", ResourceNames.Gamification, "Gamification"),
        new("coupons", ResourceNames.Coupons, "Coupons"),
        new("notifications", ResourceNames.Notifications, "Notifications"),
    ];
}
