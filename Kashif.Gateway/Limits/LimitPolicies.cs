using System.Collections.Frozen;
using Kashif.Gateway.Health;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Limits;

/// <summary>Selects a request's limit by its route.</summary>
internal sealed class LimitPolicies(IOptions<RateLimitOptions> options)
{
    /// <summary>The route metadata with the limit's name. Without it the default limit applies.</summary>
    public const string Key = "limit";
    public const string Login = "login";
    public const string Refresh = "refresh";
    public const string Register = "register";
    public const string Reports = "reports";
    public const string Export = "export";
    public const string Assistant = "assistant";
    public const string Open = "open";

    private readonly LimitPolicy _default = Policy(options.Value, "default", limits => limits.Default);
    private readonly LimitPolicy _anonymous = Policy(options.Value, "anonymous", limits => limits.Anonymous);
    private readonly LimitPolicy _open = Policy(options.Value, Open, limits => limits.Open, byAddress: true);
    private readonly FrozenDictionary<string, LimitPolicy> _own = new[]
    {
        Policy(options.Value, Login, limits => limits.Login, byAddress: true),
        Policy(options.Value, Refresh, limits => limits.Refresh, byAddress: true),
        Policy(options.Value, Register, limits => limits.Register, byAddress: true),
        Policy(options.Value, Reports, limits => limits.Reports),
        Policy(options.Value, Export, limits => limits.Export),
        Policy(options.Value, Assistant, limits => limits.Assistant),
    }.ToFrozenDictionary(policy => policy.Name);

    /// <summary>The limit of exchanges of API keys that are not cached, on all routes.</summary>
    public LimitPolicy ApiKeys { get; } = Policy(options.Value, "api-keys", limits => limits.ApiKeys, byAddress: true);

    /// <returns>Null for probes, which must never be rejected.</returns>
    public LimitPolicy? For(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is not { } route)
        {
            return Probes.IsAt(context.Request.Path) ? null : _open;
        }

        if (route.Config.Metadata?.TryGetValue(Key, out var name) is not true)
        {
            return context.User.Identity is { IsAuthenticated: true } ? _default : _anonymous;
        }

        return name == Open ? _open : _own[name];
    }

    private static LimitPolicy Policy(RateLimitOptions options, string name, Func<RateLimitOptions, RateLimit> limit, bool byAddress = false)
    {
        var (permits, window) = (limit(options).Permits, limit(options).Window);
        return new LimitPolicy(name, Math.Min((long)permits * options.Scale, int.MaxValue), window, byAddress);
    }
}
