namespace Kashif.Gateway;

/// <summary>A part of the API, <c>/api/{version}/{Name}</c>, and the service that answers for it.</summary>
internal sealed record Area(string Name, string Service, string Title)
{
    /// <summary>
    /// The versions that the service serves side by side. The first is the one that <c>/api/{Name}</c> stands for. Another one is
    /// a word here, and the service's document <c>/openapi/{version}.json</c>.
    /// </summary>
    public IReadOnlyList<string> Versions { get; init; } = ["v1"];

    /// <summary>Whether its answers hold secrets that the guessing of a compressed size could reveal (BREACH).</summary>
    public bool HoldsSecrets { get; init; }

    public static IReadOnlyList<Area> All { get; } =
    [
        new("auth", ResourceNames.Auth, "Auth") { HoldsSecrets = true },
        new("reports", ResourceNames.Reporting, "Reporting"),
        new("gamification", ResourceNames.Gamification, "Gamification"),
        new("coupons", ResourceNames.Coupons, "Coupons"),
        new("notifications", ResourceNames.Notifications, "Notifications"),
    ];

    /// <summary>Where the gateway shows the OpenAPI document of a version.</summary>
    public string Document(string version) => version == Versions[0] ? $"/openapi/{Name}.json" : $"/openapi/{Name}-{version}.json";
}
