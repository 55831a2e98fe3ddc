namespace Kashif.Gateway.Routing;

/// <summary>
/// Rejects paths that leave their area when decoded any number of times. Kestrel has already resolved what it decodes itself,
/// before routing.
/// </summary>
internal static class PathTraversal
{
    /// <summary>More than a legitimate path needs; each decoding costs the length of the path.</summary>
    private const int MaxDecodings = 8;

    public static Task RejectAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path.Value ?? "";
        if (path.AsSpan().ContainsAny('%', '\\') && HasTraversal(path))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        return next(context);
    }

    private static bool HasTraversal(string path)
    {
        for (var round = 0; round < MaxDecodings; round++)
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
