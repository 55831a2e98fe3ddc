using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Kashif.Gateway.Representation;

/// <summary>
/// Brotli or gzip for text, JSON above all. It runs inside the output cache, which so keeps an answer once for each coding and
/// never compresses it again.
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
            options.EnableForHttps = true; // answers that hold secrets are kept out by Choose
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

    /// <summary>The one coding that the client gets, which is then the only one that the rest of the pipeline sees.</summary>
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

    /// <summary>A short answer fits into one packet as it is.</summary>
    private sealed class WorthwhileCompression(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
        : ResponseCompressionProvider(services, options)
    {
        private const long Shortest = 1024;

        public override bool ShouldCompressResponse(HttpContext context) =>
            context.Response.ContentLength is not < Shortest && base.ShouldCompressResponse(context);
    }
}
