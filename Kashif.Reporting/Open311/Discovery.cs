using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Open311;

/// <summary>The discovery document, with which a client finds the endpoint.</summary>
internal static class Discovery
{
    /// <summary>Clients compare it as a text.</summary>
    private const string Specification = "http://wiki.open311.org/GeoReport_v2";

    /// <summary>The last change of this implementation that a client can notice.</summary>
    private static readonly DateTimeOffset Changed = new(2026, 11, 30, 0, 0, 0, TimeSpan.Zero);

    public static Answer Handle(HttpContext http, IOptions<Open311Options> options) => new(
        Parameters.FormatOf(http),
        "discovery",
        new Fields(
            ("changeset", Changed),
            ("contact", options.Value.Contact),
            ("key_service", options.Value.KeyService),
            ("endpoints", new Items("endpoint",
            [
                new Fields(
                    ("specification", Specification),
                    ("url", $"{Origin(http.Request)}{Open311Endpoints.Prefix}"),
                    ("changeset", Changed),
                    ("type", "production"),
                    ("formats", new Items("format", ["text/xml", "application/json"]))),
            ]))),
        cacheControl: "public, max-age=60");

    /// <summary>The address that the client has called. The gateway removes these headers from the client's request and sets its own.</summary>
    public static string Origin(HttpRequest request)
    {
        var scheme = request.Headers["X-Forwarded-Proto"].ToString() is { Length: > 0 } proto ? proto : request.Scheme;
        var host = request.Headers["X-Forwarded-Host"].ToString() is { Length: > 0 } name ? name : request.Host.Value;
        return $"{scheme}://{host}";
    }
}
