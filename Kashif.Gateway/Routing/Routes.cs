using System.Net;
using System.Text;
using Kashif.Gateway.Limits;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Transforms;

namespace Kashif.Gateway.Routing;

/// <summary>The routes to the services. Everything else returns 404, above all <c>/internal</c>.</summary>
internal static class Routes
{
    /// <summary>Metadata of <c>/api/{area}</c>, the alias of <c>/api/v1/{area}</c>.</summary>
    public const string Alias = "alias";

    /// <summary>Metadata of content that pages of other origins may show.</summary>
    public const string Embeddable = "embeddable";

    /// <summary>Metadata of the export that the gateway composes.</summary>
    public const string Export = "export";

    /// <summary>Metadata of Open311: pages of all origins may read it, and its API keys are Reporting's own.</summary>
    public const string Open311 = "open311";

    private const string Open311Path = "/open311/v2";

    private static readonly Rule Open = new("", null, "", LimitPolicies.Open);

    /// <summary>Exceptions from the defaults of an area.</summary>
    private static readonly Rule[] Rules =
    [
        new("auth", "POST", "token", LimitPolicies.Login),
        new("auth", "POST", "password/forgot", LimitPolicies.Login),
        new("auth", "POST", "password/reset", LimitPolicies.Login),
        new("auth", "POST", "email/verify", LimitPolicies.Login),
        new("auth", "POST", "email/verify/resend", LimitPolicies.Login),
        new("auth", "POST", "take-over", LimitPolicies.Login),
        new("auth", "POST", "refresh", LimitPolicies.Refresh),
        new("auth", "POST", "register", LimitPolicies.Register),
        new("reports", "POST", "", LimitPolicies.Reports),
        new("gamification", null, "points/redeem", Service: ResourceNames.Coupons),
        new("auth", "GET", "me/export", LimitPolicies.Export, Export, Wait.Long),
        new("reports", "GET", "export.geojson", Wait: Wait.Long),
        new("reports", "GET", "export.csv", Wait: Wait.Long),
        new("reports", null, "{id}/photos/{**rest}", Metadata: Embeddable, Wait: Wait.Long, MaxBody: BodyLimits.MaxUpload),
        new("reports", "POST", "areas/import", Wait: Wait.Long, MaxBody: BodyLimits.MaxAreas),
        new("reports", "POST", "batch", Wait: Wait.Long, MaxBody: BodyLimits.MaxBatch),
        new("reports", "POST", "imports", Wait: Wait.Long, MaxBody: BodyLimits.MaxBatch),
        new("coupons", "POST", "{id}/codes", Wait: Wait.Long, MaxBody: BodyLimits.MaxCodes),
        new("notifications", "GET", "stream", Wait: Wait.Endless),
        new("notifications", "POST", "assistant/messages", LimitPolicies.Assistant),
    ];

    public static IReadOnlyList<RouteConfig> All(ProxyOptions options) => [.. Area.All.SelectMany(area => Of(area, options)), .. OfOpen311(options)];

    public static IReadOnlyList<ClusterConfig> Clusters(ProxyOptions options) => [.. Area.All.Select(area => new ClusterConfig
    {
        ClusterId = area.Service,
        LoadBalancingPolicy = LoadBalancingPolicies.PowerOfTwoChoices,
        Destinations = new Dictionary<string, DestinationConfig> { [area.Service] = new() { Address = $"https+http://{area.Service}" } },
        // Kestrel accepts UTF-8 in headers. The client's default, ASCII, would fail on it and count as a failure of the service.
        HttpClient = new HttpClientConfig { RequestHeaderEncoding = Encoding.UTF8.WebName, ResponseHeaderEncoding = Encoding.UTF8.WebName },
        HttpRequest = new ForwarderRequestConfig
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            ActivityTimeout = options.IdleTimeout,
        },
        HealthCheck = new HealthCheckConfig
        {
            // If all replicas are unhealthy, try them anyway.
            AvailableDestinationsPolicy = HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
            Passive = new() { Enabled = true, Policy = HealthCheckConstants.PassivePolicy.TransportFailureRate, ReactivationPeriod = options.Reactivation },
            Active = new()
            {
                Enabled = true,
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
                Path = "/alive",
                Interval = options.ProbeInterval,
                Timeout = options.ProbeTimeout,
            },
        },
    })];

    internal static IEnumerable<RouteConfig> Of(Area area, ProxyOptions options) =>
    [
        .. area.Versions.SelectMany(version => Of(area, version, options)),
        .. Api(area, options, "alias", $"/api/{area.Name}", (Alias, "")),
        Route(area, options, "alias health", $"/api/{area.Name}/health", Open).WithTransformPathSet("/health"),
    ];

    /// <summary>Open311 has a path of its own, because its clients append the paths of its specification.</summary>
    private static IEnumerable<RouteConfig> OfOpen311(ProxyOptions options)
    {
        var reports = Area.All.Single(area => area.Service == ResourceNames.Reporting);
        var upload = new Rule(reports.Name, "POST", "", Wait: Wait.Long, MaxBody: BodyLimits.MaxUpload);
        return
        [
            Route(reports, options, Open311, $"{Open311Path}/{{**rest}}", rule: null, (Open311, "")),
            Route(reports, options, $"{Open311} POST requests", $"{Open311Path}/requests.{{format}}", upload, (Open311, "")),
        ];
    }

    private static IEnumerable<RouteConfig> Of(Area area, string version, ProxyOptions options) =>
    [
        .. Api(area, options, version, $"/api/{version}/{area.Name}"),
        Route(area, options, $"{version} health", $"/api/{version}/{area.Name}/health", Open).WithTransformPathSet("/health"),
        .. area.Documents(version).Select(path => Route(area, options, $"{version} {path}", path, Open).WithTransformPathSet($"/openapi/{version}.json")),
    ];

    /// <summary>The routes of an area under one prefix, with its rules.</summary>
    private static IEnumerable<RouteConfig> Api(Area area, ProxyOptions options, string form, string prefix, params (string Key, string Value)[] metadata) =>
    [
        Route(area, options, form, $"{prefix}/{{**rest}}", rule: null, metadata),
        .. Rules.Where(rule => rule.Area == area.Name)
            .Select(rule => Route(area, options, $"{form} {rule.Method} {rule.Path}", $"{prefix}/{rule.Path}".TrimEnd('/'), rule, metadata)),
    ];

    private static RouteConfig Route(Area area, ProxyOptions options, string kind, string path, Rule? rule = null, params (string Key, string Value)[] metadata) => new()
    {
        RouteId = $"{area.Name} {kind}",
        ClusterId = rule?.Service ?? area.Service,
        Match = new RouteMatch { Path = path, Methods = Methods(rule?.Method) },
        MaxRequestBodySize = rule?.MaxBody ?? BodyLimits.Default,
        Timeout = rule?.Wait switch
        {
            Wait.Long => options.LongTimeout,
            Wait.Endless => null,
            _ => options.Timeout,
        },
        TimeoutPolicy = rule?.Wait == Wait.Endless ? "Disable" : null,
        Metadata = metadata.Concat(rule?.Marks ?? []).ToDictionary(),
    };

    /// <summary>A rule for GET applies to HEAD too, which costs the same.</summary>
    private static string[]? Methods(string? method) => method switch
    {
        null => null,
        "GET" => ["GET", "HEAD"],
        _ => [method],
    };

    /// <param name="Path">The path below the area.</param>
    /// <param name="Limit">One of <see cref="LimitPolicies"/>.</param>
    /// <param name="Metadata">A metadata key, such as <see cref="Embeddable"/>.</param>
    /// <param name="Service">The service, if it is not the area's.</param>
    private sealed record Rule(
        string Area, string? Method, string Path, string? Limit = null, string? Metadata = null, Wait Wait = Wait.Usual, long? MaxBody = null,
        string? Service = null)
    {
        public IEnumerable<(string Key, string Value)> Marks =>
        [
            .. Limit is null ? [] : new[] { (LimitPolicies.Key, Limit) },
            .. Metadata is null ? [] : new[] { (Metadata, "") },
        ];
    }

    private enum Wait
    {
        Usual,
        Long,
        Endless,
    }
}
