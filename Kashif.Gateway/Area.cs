namespace Kashif.Gateway;

/// <summary>A part of the API, <c>/api/{version}/{Name}</c>, and its service.</summary>
internal sealed record Area(string Name, string Service, string Title)
{
    /// <summary>
    /// The versions that the service serves. <c>/api/{Name}</c> is an alias of the first. To add one, list it here and serve
    /// <c>/openapi/{version}.json</c> in the service.
    /// </summary>
    public IReadOnlyList<string> Versions { get; init; } = ["v1"];

    /// <summary>Whether responses contain secrets that their compressed size could reveal (BREACH).</summary>
    public bool HoldsSecrets { get; init; }

    public static IReadOnlyList<Area> All { get; } =
    [
        new("auth", ResourceNames.Auth, "Auth") { HoldsSecrets = true },
        new("reports", ResourceNames.Reporting, "Reporting"),
        new("gamification", ResourceNames.Gamification, "Gamification"),
        new("coupons", ResourceNames.Coupons, "Coupons"),
        new("notifications", ResourceNames.Notifications, "Notifications"),
    ];

    /// <summary>The gateway's path of a version's OpenAPI document.</summary>
    public string Document(string version) => Document(Name, version);

    /// <summary>All paths of a version's OpenAPI document: by the area's name, and by the service's if it is another.</summary>
    public IEnumerable<string> Documents(string version) => new[] { Name, Service }.Distinct().Select(name => Document(name, version));

    private string Document(string name, string version) => version == Versions[0] ? $"/openapi/{name}.json" : $"/openapi/{name}-{version}.json";
}
