using System.Text;
using System.Text.Json;
using Json.Schema;

namespace Kashif.SystemTests;

/// <summary>An operation of the gateway's OpenAPI documents, with example values.</summary>
internal sealed record OpenApiOperation(string Method, string Path, JsonElement Operation, JsonElement Document)
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Schemas = "#/components/schemas/";
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly string[] Areas = ["auth", "reports", "gamification", "coupons", "notifications"];

    static OpenApiOperation()
    {
        // The formats of OpenAPI for numbers, which JSON Schema does not know.
        FormatRegistry.Global.Register(new PredicateFormat("int32", value => value.ValueKind != JsonValueKind.Number || value.TryGetInt32(out _)));
        FormatRegistry.Global.Register(new PredicateFormat("int64", value => value.ValueKind != JsonValueKind.Number || value.TryGetInt64(out _)));
    }

    public string? BodyType => Operation.TryGetProperty("requestBody", out var body)
        ? body.GetProperty("content").EnumerateObject().First().Name
        : null;

    public bool HasForm => BodyType == Form;

    public IReadOnlyList<(string Name, string In, JsonElement Schema)> Parameters => Operation.TryGetProperty("parameters", out var parameters)
        ? [.. parameters.EnumerateArray().Select(parameter => (
            parameter.GetProperty("name").GetString() ?? "", parameter.GetProperty("in").GetString() ?? "", parameter.GetProperty("schema")))]
        : [];

    public static async Task<List<OpenApiOperation>> AllAsync(HttpClient gateway)
    {
        var operations = new List<OpenApiOperation>();
        foreach (var area in Areas)
        {
            using var response = await gateway.GetAsync($"/openapi/{area}.json");
            var document = await response.JsonAsync(200);
            operations.AddRange(
                from path in document.GetProperty("paths").EnumerateObject()
                where path.Name.StartsWith("/api/", StringComparison.Ordinal) // the errors of Open311 are no problems
                from operation in path.Value.EnumerateObject()
                where operation.Name is "get" or "post" or "put" or "patch" or "delete"
                select new OpenApiOperation(operation.Name.ToUpperInvariant(), path.Name, operation.Value, document));
        }

        return operations;
    }

    /// <summary>The document's example of the body, or values that match the schema, by property name.</summary>
    public Dictionary<string, object?> ExampleBody() => Body.TryGetProperty("example", out var example)
        ? example.EnumerateObject().ToDictionary(property => property.Name, property => (object?)property.Value)
        : Example(BodySchema, depth: 0) as Dictionary<string, object?> ?? [];

    /// <returns>Whether the body is JSON that the operation's schema allows.</returns>
    public bool Allows(byte[] body)
    {
        try
        {
            // RFC 8259, 8.1: a parser may ignore a byte order mark.
            using var json = JsonDocument.Parse(Utf8.GetString(body).TrimStart('\uFEFF'));
            return Validator.Evaluate(json.RootElement, new EvaluationOptions { RequireFormatValidation = true }).IsValid;
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException or InvalidOperationException or FormatException or OverflowException)
        {
            // Not JSON, or a value that no type can hold, such as 1e400 or half a surrogate pair.
            return false;
        }
    }

    public string PathWith(Func<string, string> value) => Parameters.Where(parameter => parameter.In == "path")
        .Aggregate(Path, (path, parameter) => path.Replace($"{{{parameter.Name}}}", value(parameter.Name), StringComparison.Ordinal));

    /// <summary>A path with values of the right types that do not exist.</summary>
    public string PathWithExamples() => PathWith(name => Type(Parameters.Single(parameter => parameter.Name == name && parameter.In == "path").Schema) is "integer" or "number"
        ? "2000000000"
        : "0198f0a0-1111-7000-8000-000000000009");

    public override string ToString() => $"{Method} {Path}";

    private JsonElement Body => Operation.GetProperty("requestBody").GetProperty("content").EnumerateObject().First().Value;

    private JsonElement BodySchema => Body.GetProperty("schema");

    /// <summary>The body's schema with those it refers to, as one JSON Schema.</summary>
    private JsonSchema Validator => field ??= JsonSchema.FromText(
        $$"""{"allOf": [{{BodySchema}}], "$defs": {{Document.GetProperty("components").GetProperty("schemas")}}}""".Replace(Schemas, "#/$defs/", StringComparison.Ordinal),
        new BuildOptions { SchemaRegistry = new SchemaRegistry() });

    private object? Example(JsonElement reference, int depth)
    {
        var schema = Resolve(reference);
        if (schema.TryGetProperty("enum", out var values))
        {
            return values[0].GetString();
        }

        if (schema.TryGetProperty("oneOf", out var choices) || schema.TryGetProperty("anyOf", out choices))
        {
            return Example(choices.EnumerateArray().Select(Resolve).First(choice => Type(choice) != "null"), depth);
        }

        return Type(schema) switch
        {
            _ when depth > 5 => null,
            "object" when schema.TryGetProperty("properties", out var properties) =>
                properties.EnumerateObject().ToDictionary(property => property.Name, property => Example(property.Value, depth + 1)),
            "object" => new Dictionary<string, object?>(),
            "array" => new[] { schema.TryGetProperty("items", out var items) ? Example(items, depth + 1) : null },
            "integer" => 1,
            "number" => 1.5,
            "boolean" => true,
            _ => schema.TryGetProperty("format", out var format)
                ? format.GetString() switch
                {
                    "uuid" => "0198f0a0-1111-7000-8000-000000000009",
                    "date-time" => "2027-01-01T00:00:00Z",
                    "uri" => "https://example.org/",
                    "email" => "nobody@example.org",
                    _ => "something",
                }
                : "something",
        };
    }

    private JsonElement Resolve(JsonElement schema) => schema.TryGetProperty("$ref", out var reference)
        ? Resolve((reference.GetString() ?? "").Split('/').Skip(1).Aggregate(Document, (node, name) => node.GetProperty(name)))
        : schema;

    /// <summary>The type other than null, as in <c>["null", "string"]</c>.</summary>
    private static string Type(JsonElement schema) => !schema.TryGetProperty("type", out var type) ? ""
        : type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(name => name.GetString() ?? "").FirstOrDefault(name => name != "null") ?? ""
        : type.GetString() ?? "";
}
