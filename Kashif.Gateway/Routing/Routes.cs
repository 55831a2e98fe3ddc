using System.Net;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace Kashif.Gateway.Routing;

/// <summary>What reaches which service. Everything else, <c>/internal</c> above all, is a 404.</summary>
internal static class Routes
{
    /// <summary>Marks the routes of <c>/api/{area}</c>, the older form of <c>/api/v1/{area}</c>.</summary>
    public const string Alias = "alias";

    public static IReadOnlyList<RouteConfig> All { get; } = [.. Area.All.SelectMany(Of)];

    public static IReadOnlyList<ClusterConfig> Clusters { get; } = [.. Area.All.Select(area => new ClusterConfig
    {
        ClusterId = area.Service,
        LoadBalancingPolicy = "PowerOfTwoChoices",
        Destinations = new Dictionary<string, DestinationConfig> { [area.Service] = new() { Address = $"http://{area.Service}" } },
        HttpRequest = new ForwarderRequestConfig
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            ActivityTimeout = TimeSpan.FromSeconds(30),
        },
    })];

    private static IEnumerable<RouteConfig> Of(Area area) =>
    [
        Route(area, "api", $"/api/v1/{area.Name}/{{**rest}}"),
        Route(area, "alias", $"/api/{area.Name}/{{**rest}}") with { Metadata = new Dictionary<string, string> { [Alias] = "" } },
        Route(area, "health", $"/api/v1/{area.Name}/health").WithTransformPathSet("/health"),
        Route(area, "alias-health", $"/api/{area.Name}/health").WithTransformPathSet("/health"),
        Route(area, "openapi", $"/openapi/{area.Name}.json").WithTransformPathSet("/openapi/v1.json"),
    ];

    private static RouteConfig Route(Area area, string kind, string path) =>
        new() { RouteId = $"{area.Name}-{kind}", ClusterId = area.Service, Match = new RouteMatch { Path = path } };
}
