// Stands in for the package Microsoft.Extensions.ServiceDiscovery where no version of it is served; the full registry never builds it.

using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>The endpoints that the configuration gives to services: <c>Services:{name}:{endpoint or scheme}:{index}</c>.</summary>
internal sealed class ServiceEndpoints : IDisposable
{
    private readonly ConcurrentDictionary<string, Endpoints> _services = new(StringComparer.OrdinalIgnoreCase);
    private readonly IConfiguration _configuration;
    private readonly IDisposable _reload;

    public ServiceEndpoints(IConfiguration configuration)
    {
        _configuration = configuration;
        _reload = ChangeToken.OnChange(configuration.GetReloadToken, _services.Clear);
    }

    public IChangeToken ReloadToken => _configuration.GetReloadToken();

    public void Dispose() => _reload.Dispose();

    /// <summary>Every address that <paramref name="uri"/> may stand for, with its path; itself where the service is unknown.</summary>
    public IReadOnlyList<Uri> ResolveAll(Uri uri) => [.. Find(uri).All.Select(endpoint => Combine(uri, endpoint))];

    /// <summary>The next of these addresses in turn.</summary>
    public Uri ResolveNext(Uri uri) => Combine(uri, Find(uri).Next());

    private Endpoints Find(Uri uri) =>
        _services.GetOrAdd(uri.GetLeftPart(UriPartial.Authority), _ => new Endpoints(Read(uri)));

    private IReadOnlyList<Uri> Read(Uri uri)
    {
        // "_name.service" asks for a named endpoint, "https+http" for the first of two schemes that the service has.
        var (service, name) = uri.Host.StartsWith('_') && uri.Host.IndexOf('.') is > 1 and var dot
            ? (uri.Host[(dot + 1)..], uri.Host[1..dot])
            : (uri.Host, null);
        var schemes = uri.Scheme.Split('+');

        var section = _configuration.GetSection("Services").GetSection(service);
        string[] candidates = name is null ? ["default", .. schemes] : [name];
        var endpoints = candidates.Select(section.GetSection).FirstOrDefault(candidate => candidate.Exists());

        var addresses = endpoints is null ? [] : Values(endpoints).Select(value => Parse(value, schemes[0], endpoints.Path)).ToList();
        var best = schemes.FirstOrDefault(scheme => addresses.Exists(address => address.Scheme == scheme));
        return best is null
            ? [new UriBuilder(uri) { Scheme = schemes[0], Host = service, Path = "", Query = "", Fragment = "" }.Uri]
            : addresses.FindAll(address => address.Scheme == best);
    }

    private static IEnumerable<string?> Values(IConfigurationSection section) =>
        string.IsNullOrWhiteSpace(section.Value)
            ? section.GetChildren().Select(child => child.Value)
            : [section.Value];

    private static Uri Parse(string? value, string defaultScheme, string path)
    {
        var address = value is null || value.Contains("://", StringComparison.Ordinal) ? value : $"{defaultScheme}://{value}";
        return Uri.TryCreate(address, UriKind.Absolute, out var uri)
            ? uri
            : throw new KeyNotFoundException($"The endpoint configuration section '{path}' has an invalid value.");
    }

    private static Uri Combine(Uri uri, Uri endpoint)
    {
        var combined = new UriBuilder(uri) { Scheme = endpoint.Scheme, Host = endpoint.Host, Port = endpoint.Port };
        if (endpoint.AbsolutePath.Length > 1)
        {
            combined.Path = $"{endpoint.AbsolutePath.TrimEnd('/')}/{uri.AbsolutePath.TrimStart('/')}";
        }

        return combined.Uri;
    }

    private sealed class Endpoints(IReadOnlyList<Uri> all)
    {
        private uint _next;

        public IReadOnlyList<Uri> All => all;

        public Uri Next() => all[(int)(Interlocked.Increment(ref _next) % (uint)all.Count)];
    }
}
