using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Kashif.Gateway.Representation;

/// <summary>
/// Compresses text, mostly JSON, with Brotli or gzip. Runs inside the output cache, which stores a response once per coding.
/// </summary>
internal static class Compression
{
    private static readonly string[] Codings = ["br", "gzip"];

    private static readonly HashSet<string> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        "application/json", "application/problem+json", "application/geo+json", "application/xml", "application/javascript",
        "text/plain", "text/html", "text/css", "text/csv", "text/javascript", "text/xml", "image/svg+xml",
    };

    public static IServiceCollection AddCompression(this IServiceCollection services)
    {
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true; // Choose excludes responses with secrets.
            options.MimeTypes = Types;
            options.Providers.Add<BrotliCompressionProvider>();
            options.Providers.Add<GzipCompressionProvider>();
        });
        services.Configure<BrotliCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest);
        services.Configure<GzipCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest);
        return services.AddSingleton<IResponseCompressionProvider, WorthwhileCompression>();
    }

    public static bool Applies(string? contentType) => Types.Contains(MediaType(contentType));

    public static string MediaType(string? contentType) => (contentType ?? "").Split(';', 2)[0].Trim();

    /// <summary>Reduces <c>Accept-Encoding</c> to the encoding that the response will have.</summary>
    public static string? Choose(HttpRequest request)
    {
        if (request.Headers.AcceptEncoding.Count == 0 || HoldsSecrets(request.Path)
            || !StringWithQualityHeaderValue.TryParseList(request.Headers.AcceptEncoding, out var accepted))
        {
            return null;
        }

        var best = Codings.MaxBy(Quality);
        return best is not null && Quality(best) > 0 && Quality(best) >= (Explicit("identity") ?? 0) ? best : null;

        double Quality(string coding) => Explicit(coding) ?? Explicit("*") ?? 0;

        double? Explicit(string coding) =>
            accepted.FirstOrDefault(value => value.Value.Equals(coding, StringComparison.OrdinalIgnoreCase)) is { } value ? value.Quality ?? 1 : null;
    }

    private static bool HoldsSecrets(PathString path)
    {
        var segments = (path.Value ?? "").Split('/', 5);
        return Area.All.Any(area => area.HoldsSecrets && segments.Skip(2).Take(2).Contains(area.Name, StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>Skips short responses, which fit into one packet anyway.</summary>
    private sealed class WorthwhileCompression(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
        : ResponseCompressionProvider(services, options)
    {
        private const long Shortest = 1024;

        public override bool ShouldCompressResponse(HttpContext context) =>
            context.Response.ContentLength is not < Shortest && base.ShouldCompressResponse(context);
    }
}
