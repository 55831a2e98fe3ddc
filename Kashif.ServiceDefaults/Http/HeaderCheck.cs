using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kashif.Http;

/// <summary>
/// Rejects blank and repeated headers that change what a request does: a blank idempotency key would be one key for many requests, and a
/// blank condition would be none.
/// </summary>
/// <remarks>
/// A list may be split over several headers of its name: https://www.rfc-editor.org/rfc/rfc9110#section-5.3. Authentication refuses a
/// repeated or blank credential with a 401.
/// </remarks>
internal static class HeaderCheck
{
    private const string Blank = "This header must not be blank. Leave it out or give it a value.";
    private const string Repeated = "Send this header only once.";

    private static readonly (string Name, bool IsList)[] Headers =
        [(IdempotencyHeaders.Key, false), (HeaderNames.IfMatch, true), (HeaderNames.IfNoneMatch, true)];

    public static Task Middleware(HttpContext context, RequestDelegate next)
    {
        Dictionary<string, string[]>? errors = null;
        foreach (var (name, isList) in Headers)
        {
            if (context.Request.Headers.TryGetValue(name, out var values) && Error(values, isList) is { } error)
            {
                (errors ??= [])[name] = [error];
            }
        }

        return errors is null ? next(context) : TypedResults.ValidationProblem(errors).ExecuteAsync(context);
    }

    private static string? Error(StringValues values, bool isList) =>
        values.All(value => value.AsSpan().Trim(" \t,").IsEmpty) ? Blank
        : !isList && values.Count > 1 ? Repeated
        : null;
}
