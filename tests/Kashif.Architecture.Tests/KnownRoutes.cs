using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Architecture.Tests;

/// <summary>The routes of the gateway and of all services.</summary>
internal sealed partial class KnownRoutes
{
    /// <summary>Paths of the gateway that middleware serves, without an endpoint.</summary>
    private static readonly string[] WithoutEndpoint = ["/docs"];

    private static readonly string[] Areas = ["auth", "reports", "gamification", "coupons", "notifications"];

    /// <summary>Documents leave out <c>/api/v1</c>, and the area where it is clear.</summary>
    private static readonly string[] Prefixes = ["", "/api/v1", .. Areas.Select(area => $"/api/v1/{area}")];

    private readonly List<(string Template, IReadOnlyList<string> Methods)> _routes = [.. WithoutEndpoint.Select(path => (path, (IReadOnlyList<string>)["GET"]))];

    public KnownRoutes(BuiltServices services)
    {
        foreach (var route in BuiltServices.ServiceNames
            .SelectMany(name => services[name].Services.GetServices<EndpointDataSource>())
            .SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
        {
            var template = Parameter().Replace($"/{route.RoutePattern.RawText?.Trim('/')}", "{$1}");
            var methods = route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"];
            _routes.Add((template, methods));

            // "/api/v1/reports/{**rest}" of the gateway is also "/api/v1/reports", the area as such.
            if (route.RoutePattern.Parameters is [.., { IsCatchAll: true } rest])
            {
                _routes.Add((template.Replace($"/{{{rest.Name}}}", "", StringComparison.Ordinal), []));
            }
        }
    }

    /// <summary>The routes that a document names and that do not exist.</summary>
    public IEnumerable<string> MissingFrom(string document)
    {
        var prose = CodeBlock().Replace(document, "");
        return CodeSpan().Matches(prose).Select(span => Named().Match(span.Groups[1].Value))
            .Concat(Address().Matches(prose))
            .Where(named => named.Success && (named.Groups["method"].Success || IsPath(named.Groups["path"].Value)))
            .Where(named => !Exists(named.Groups["method"].Value, named.Groups["path"].Value))
            .Select(named => named.Value);
    }

    /// <summary><c>/me</c> and <c>auth/me</c>, but not a file.</summary>
    private static bool IsPath(string path) =>
        (path.StartsWith('/') && !path.StartsWith("/var/", StringComparison.Ordinal)) || Areas.Any(area => path.StartsWith($"{area}/", StringComparison.Ordinal));

    private bool Exists(string method, string path)
    {
        // A document may write any name for a parameter, and "…" or "*" for the rest of a path.
        var pattern = Placeholder().Replace(Regex.Escape($"/{path.Trim('/')}"), "[^/]+");
        pattern = Rest().Replace(pattern, ".+");
        return Prefixes.Any(prefix => _routes.Any(route =>
            (method.Length == 0 || route.Methods.Contains(method == "HEAD" ? "GET" : method))
            && Regex.IsMatch(route.Template, $"^{prefix}{pattern}$".Replace("/$", "/?$", StringComparison.Ordinal))));
    }

    /// <summary><c>{id:guid}</c> and <c>{**rest}</c> in a template.</summary>
    [GeneratedRegex(@"\{\**(\w+)[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex CodeSpan();

    /// <summary><c>POST /email/verify {token}</c>.</summary>
    [GeneratedRegex(@"^(?:Location: )?(?:(?<method>GET|HEAD|POST|PUT|PATCH|DELETE) )?(?<path>[^\s`]+)(?: \{.*\})?$")]
    private static partial Regex Named();

    [GeneratedRegex(@"http://localhost:8000(?<path>/[\w./-]*)")]
    private static partial Regex Address();

    /// <summary><c>{id}</c>, <c>{id:guid}</c>, <c>{**rest}</c> and <c>&lt;area&gt;</c>, escaped for a pattern.</summary>
    [GeneratedRegex(@"\\\{[^}]+\}|<[^>]+>")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"(?:…|\\\*)")]
    private static partial Regex Rest();
}
