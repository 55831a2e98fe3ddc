using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>Rejects query parameters that are not <see cref="Characters.AreText"/>.</summary>
/// <remarks>
/// PostgreSQL rejects U+0000 too, but then Npgsql marks a statement as prepared although its first Bind failed, and the next request
/// with this statement fails on the same connection: https://github.com/npgsql/npgsql/issues/6391
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
