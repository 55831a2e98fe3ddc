using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kashif.Gateway.Perimeter;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Kashif.Gateway.Map;

/// <summary>Serves <c>/map</c>, a page with the public reports. It uses the public API only.</summary>
internal static class MapPage
{
    private const string Path = "/map";
    private const string Leaflet = "leaflet.js";

    /// <summary>The files of the page. npm brings Leaflet's; a build without them has the others only.</summary>
    private static readonly (string Name, string ContentType)[] Files =
    [
        ("map.js", "text/javascript; charset=utf-8"),
        ("map.css", "text/css; charset=utf-8"),
        (Leaflet, "text/javascript; charset=utf-8"),
        ("leaflet.css", "text/css; charset=utf-8"),
        ("leaflet-licence.txt", "text/plain; charset=utf-8"),
    ];

    public static IServiceCollection AddMapPage(this IServiceCollection services)
    {
        services.AddOptions<MapOptions>().BindConfiguration(MapOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services;
    }

    public static void MapMapPage(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<MapOptions>>().Value;
        var files = Files.Select(file => (file.Name, file.ContentType, Content: Read(file.Name))).Where(file => file.Content.Length > 0).ToArray();
        if (!files.Any(file => file.Name == Leaflet))
        {
            app.MapGet(Path, () => TypedResults.Text("Leaflet is missing in this build. Run `npm ci` in eng/map and build again, or use ./kashif run.", statusCode: StatusCodes.Status503ServiceUnavailable))
                .AllowAnonymous().ExcludeFromDescription();
            return;
        }

        // A browser keeps a file for ever, because a change of any file changes all addresses.
        var version = Hash([.. files.SelectMany(file => file.Content)]);
        var page = Encoding.UTF8.GetBytes(Page(options, version));
        var pageTag = new EntityTagHeaderValue($"\"{Hash(page)}\"");
        app.MapMethods(Path, [HttpMethods.Get, HttpMethods.Head], (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "no-cache";
            return TypedResults.Bytes(page, "text/html; charset=utf-8", entityTag: pageTag);
        }).AllowAnonymous().ExcludeFromDescription().WithMetadata(Policy(options));

        foreach (var (name, contentType, content) in files)
        {
            app.MapMethods($"{Path}/{{requested}}/{name}", [HttpMethods.Get, HttpMethods.Head], (string requested, HttpContext context) =>
            {
                // During an update, another replica may have sent the page.
                context.Response.Headers.CacheControl = requested == version ? "public, max-age=31536000, immutable" : "no-cache";
                return TypedResults.Bytes(content, contentType, entityTag: new EntityTagHeaderValue($"\"{version}\""));
            }).AllowAnonymous().ExcludeFromDescription();
        }
    }

    /// <summary>
    /// Allows the page's own scripts and styles, calls to this gateway, and images of the gateway and the tile server. Leaflet replaces a tile that it no longer
    /// needs by an image in a data URI.
    /// </summary>
    private static ContentSecurityPolicy Policy(MapOptions options)
    {
        var images = options.TileOrigin is { } tiles ? $"'self' data: {tiles}" : "'self' data:";
        var ancestors = options.FrameAncestors is [] ? "'none'" : string.Join(' ', options.FrameAncestors);
        return new ContentSecurityPolicy(
            $"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}")
        {
            MayBeFramed = options.FrameAncestors is not [],
        };
    }

    private static string Page(MapOptions options, string version)
    {
        var page = new StringBuilder(Encoding.UTF8.GetString(Read("map.html")));
        Set("version", version);
        Set("tiles", options.TileUrl);
        Set("attribution", options.Attribution);
        Set("attribution-url", options.AttributionUrl);
        Set("latitude", Number(options.Latitude));
        Set("longitude", Number(options.Longitude));
        Set("zoom", Number(options.Zoom));
        return page.ToString();

        void Set(string name, string value) => page.Replace($"[[{name}]]", WebUtility.HtmlEncode(value));

        static string Number(double? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(MapPage).Assembly.GetManifestResourceStream($"map/{name}");
        if (stream is null)
        {
            return [];
        }

        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
}
