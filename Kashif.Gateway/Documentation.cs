namespace Kashif.Gateway;

/// <summary><c>/docs</c>: one page for the OpenAPI documents of all services.</summary>
internal static class Documentation
{
    private const string Path = "/docs";

    public static void UseDocumentation(this WebApplication app)
    {
        // Branched, so that the page's middleware costs the API nothing.
        app.UseWhen(context => context.Request.Path.StartsWithSegments(Path), docs => docs.UseSwaggerUI(options =>
        {
            options.RoutePrefix = Path[1..];
            options.DocumentTitle = "Kashif API";
            options.EnablePersistAuthorization();
            options.EnableTryItOutByDefault();
            options.DisplayRequestDuration();
            options.EnableDeepLinking();
            foreach (var area in Area.All)
            {
                options.SwaggerEndpoint($"/openapi/{area.Name}.json", area.Title);
            }
        }));
        app.MapGet("/", () => TypedResults.Redirect(Path)).AllowAnonymous().ExcludeFromDescription();
    }
}
