namespace Kashif.Gateway.Routing;

/// <summary>
/// Nothing that is still encoded climbs out of its area, however often somebody behind this decodes it. What Kestrel decodes
/// itself has been resolved before it was routed.
/// </summary>
internal static class PathTraversal
{
    /// <summary>More than anybody encodes who means well; each round costs as much as the path is long.</summary>
    private const int MostRounds = 8;

    public static Task Refuse(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path.Value ?? "";
        if (path.AsSpan().ContainsAny('%', '\\') && Climbs(path))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        return next(context);
    }

    private static bool Climbs(string path)
    {
        for (var round = 0; round < MostRounds; round++)
        {
            var decoded = Uri.UnescapeDataString(path);
            if (decoded == path)
            {
                return path.Split('/', '\\').Contains("..");
            }

            path = decoded;
        }

        return true;
    }
}
