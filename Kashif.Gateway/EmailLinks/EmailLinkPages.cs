using Kashif.Gateway.Perimeter;
using Microsoft.Net.Http.Headers;

namespace Kashif.Gateway.EmailLinks;

/// <summary>
/// Serves <c>/verify-email</c>, <c>/reset-password</c> and <c>/take-over</c>, the targets of links in e-mails unless <c>app-url</c> names a city's own app.
/// The token is in the fragment, which browsers do not send: it reaches no server but in the request to Auth.
/// </summary>
internal static class EmailLinkPages
{
    /// <summary>Allows the page's own script and style, and calls to this gateway.</summary>
    private static readonly ContentSecurityPolicy Policy = new(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");

    public static void MapEmailLinkPages(this WebApplication app)
    {
        app.MapFile("/verify-email", "page.html", "text/html; charset=utf-8").WithMetadata(Policy);
        app.MapFile("/reset-password", "page.html", "text/html; charset=utf-8").WithMetadata(Policy);
        app.MapFile("/take-over", "page.html", "text/html; charset=utf-8").WithMetadata(Policy);
        app.MapFile("/email-links/page.js", "page.js", "text/javascript; charset=utf-8");
        app.MapFile("/email-links/page.css", "page.css", "text/css; charset=utf-8");
    }

    private static RouteHandlerBuilder MapFile(this WebApplication app, string path, string name, string contentType)
    {
        using var stream = typeof(EmailLinkPages).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        var content = memory.ToArray();
        return app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], (HttpContext context) =>
        {
            context.Response.Headers[HeaderNames.CacheControl] = "no-cache";
            return TypedResults.Bytes(content, contentType);
        }).AllowAnonymous().ExcludeFromDescription();
    }
}
