using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Primitives;

namespace Kashif.Http;

/// <summary>Rejects query parameters that the binding would accept and read in another way than the client means them.</summary>
internal static partial class QueryCheck
{
    /// <summary>The parameters of each endpoint with their types.</summary>
    private static readonly ConcurrentDictionary<Endpoint, Dictionary<string, Type>> Parameters = [];

    public static Task Middleware(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.QueryString.HasValue)
        {
            return next(context);
        }

        var types = context.GetEndpoint() is { } endpoint ? Parameters.GetOrAdd(endpoint, TypesOf) : [];
        var errors = context.Request.Query
            .Select(parameter => (parameter.Key, Message: Error(parameter.Key, parameter.Value, types.GetValueOrDefault(parameter.Key))))
            .Where(parameter => parameter.Message is not null)
            .ToDictionary(parameter => parameter.Key, string[] (parameter) => [parameter.Message ?? ""]);
        return errors.Count == 0 ? next(context) : TypedResults.ValidationProblem(errors).ExecuteAsync(context);
    }

    private static string? Error(string name, StringValues values, Type? type)
    {
        // PostgreSQL rejects U+0000 too, but then Npgsql marks a statement as prepared although its first Bind failed, and the next
        // request with this statement fails on the same connection: https://github.com/npgsql/npgsql/issues/6391
        if (!Characters.AreText(name) || values.Any(value => !Characters.AreText(value)))
        {
            return Characters.NotText;
        }

        // The binding joins repeated values with a comma, and skips commas, spaces and a plus sign in numbers: 1,5 would be 15.
        // It reads a time without an offset in the server's zone.
        return type is null ? null
            : values.Count > 1 ? "Send this parameter only once."
            : string.IsNullOrEmpty(values) ? null
            : type == typeof(int) && !WholeNumber().IsMatch(values.ToString()) ? "Must be a whole number such as 20."
            : type == typeof(double) && !Number().IsMatch(values.ToString()) ? "Must be a number such as 2.5."
            : type == typeof(DateTimeOffset) && !Instant().IsMatch(values.ToString()) ? UtcInstantConverter.Expected
            : null;
    }

    private static Dictionary<string, Type> TypesOf(Endpoint endpoint) => endpoint.Metadata.GetOrderedMetadata<IParameterBindingMetadata>()
        .Select(parameter => (
            Name: parameter.ParameterInfo.GetCustomAttributes(inherit: true).OfType<IFromQueryMetadata>().SingleOrDefault()?.Name,
            Type: Nullable.GetUnderlyingType(parameter.ParameterInfo.ParameterType) ?? parameter.ParameterInfo.ParameterType))
        .Where(parameter => parameter.Name is not null && !parameter.Type.IsArray)
        .ToDictionary(parameter => parameter.Name ?? "", parameter => parameter.Type, StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex(UtcInstantConverter.Pattern)]
    private static partial Regex Instant();

    [GeneratedRegex(@"\A-?[0-9]+\z")]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"\A-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex Number();
}
