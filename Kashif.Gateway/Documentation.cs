namespace Kashif.Gateway;

/// <summary><c>/docs</c>: one page for the OpenAPI documents of all services.</summary>
internal static class Documentation
{
    private const string Path = "/docs";

    /// <summary>
    /// What the page may load and do: its own scripts, styles and pictures, and calls to this gateway. SwaggerUI sets styles on its
    /// elements and draws its icons from data URIs; it needs no inline script.
    /// </summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Whether the page or something of it is asked for.</summary>
    public static bool IsAt(PathString path) => path.StartsWithSegments(Path);

    public static void UseDocumentation(this WebApplication app)
    {
        // Branched, so that the page's middleware costs the API nothing.
        app.UseWhen(context => IsAt(context.Request.Path), docs => docs.UseSwaggerUI(options =>
        {
            options.RoutePrefix = Path[1..];
            options.DocumentTitle = "Kashif API";
            options.EnablePersistAuthorization();
            options.EnableTryItOutByDefault();
            options.DisplayRequestDuration();
            options.EnableDeepLinking();
            foreach (var (area, version) in Area.All.SelectMany(area => area.Versions.Select(version => (area, version))))
            {
                options.SwaggerEndpoint(area.Document(version), version == area.Versions[0] ? area.Title : $"{area.Title} {version}");
            }
        }));
        app.MapGet("/", () => TypedResults.Redirect(Path)).AllowAnonymous().ExcludeFromDescription();
    }
}
