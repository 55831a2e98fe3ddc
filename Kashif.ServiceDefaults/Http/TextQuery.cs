using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>Refuses query parameters that are not <see cref="Characters.AreText"/>, as <see cref="TextConverter"/> does for bodies.</summary>
/// <remarks>
/// PostgreSQL would refuse U+0000 as well, but too late: Npgsql believes that a statement is prepared when its first
/// execution failed in Bind, and the next request that uses it on this connection fails (npgsql/npgsql#6391).
/// </remarks>
internal static class TextQuery
{
    public static Task Middleware(HttpContext context, RequestDelegate next)
    {
        var errors = context.Request.Query
            .Where(parameter => !Characters.AreText(parameter.Key) || parameter.Value.Any(value => !Characters.AreText(value)))
            .ToDictionary(parameter => parameter.Key, string[] (_) => [Characters.NotText]);
        return errors.Count == 0 ? next(context) : TypedResults.ValidationProblem(errors).ExecuteAsync(context);
    }
}
