namespace Kashif.Gateway;

/// <summary>Serves <c>/docs</c>, one page for the OpenAPI documents of all services.</summary>
internal static class Documentation
{
    private const string Path = "/docs";

    /// <summary>
    /// Allows the page's own scripts, styles and images, and calls to this gateway. SwaggerUI needs inline styles and data URIs for
    /// its icons, but no inline scripts.
    /// </summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Whether the path is the page or one of its files.</summary>
    public static bool IsAt(PathString path) => path.StartsWithSegments(Path);

    public static void UseDocumentation(this WebApplication app)
    {
        // In a branch, so that API requests skip the page's middleware.
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
