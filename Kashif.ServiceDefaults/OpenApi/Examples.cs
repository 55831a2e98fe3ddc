using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>Composes an example of each body from the examples of its fields.</summary>
internal static class Examples
{
    private const string Id = "0198f0a0-1111-7000-8000-000000000001";
    private static readonly Dictionary<string, OpenApiMediaType> Empty = [];

    /// <summary>Bodies that are not JSON.</summary>
    private static readonly Dictionary<string, string> Texts = new()
    {
        ["application/geo+json"] = "{\"type\":\"FeatureCollection\",\"features\":[]}",
        ["application/vnd.mapbox-vector-tile"] = "…",
        ["text/csv"] = "id,title\r\n0198f0a0-1111-7000-8000-000000000001,Deep pothole\r\n",
        ["text/event-stream"] = "id: 41\nevent: unread\ndata: {\"unread_count\":3}\n\n",
        ["text/html"] = "<!doctype html>…",
    };

    private const string Instant = "2026-11-20T08:30:00Z";

    public static Task AddAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations ?? []).Select(operation => operation.Value))
        {
            foreach (var (type, body) in Bodies(operation))
            {
                body.Example ??= (body.Schema is { } schema ? Of(schema) : null) ?? Texts.GetValueOrDefault(type);
            }

            foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
            {
                parameter.Example ??= parameter.Schema is { } schema ? Of(schema) : null;
            }
        }

        return Task.CompletedTask;
    }

    /// <returns>Null if neither the field nor its type tells one.</returns>
    public static JsonNode? Of(IOpenApiSchema schema) => schema switch
    {
        { Examples: [var example, ..] } => example.IsJsonNullSentinel() ? null : example.DeepClone(),
        { Enum: [var first, ..] } => first.DeepClone(),
        { Default: { } usual } => usual.DeepClone(),
        { OneOf: { Count: > 0 } choices } => Of(choices.First(choice => choice.Type != JsonSchemaType.Null)),
        { Format: "uuid" } => Id,
        { Format: "date-time" } => Instant,
        { Properties: { Count: > 0 } properties } => new JsonObject(
            from property in properties
            select KeyValuePair.Create(property.Key, Of(property.Value))),
        _ when (schema.Type & JsonSchemaType.Array) != 0 && schema.Items is { } items => new JsonArray(Of(items)),
        _ when (schema.Type & JsonSchemaType.Boolean) != 0 => true,
        _ => null,
    };

    private static IEnumerable<KeyValuePair<string, OpenApiMediaType>> Bodies(OpenApiOperation operation) =>
        (operation.RequestBody?.Content ?? Empty).Concat(operation.Responses?.Values.SelectMany(response => response.Content ?? Empty) ?? []);
}
