using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Kashif.Http;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>Describes each field: meaning, example, limits, values.</summary>
internal static partial class Fields
{
    // Read again where ASP.NET Core has replaced a schema by a reference to its component.
    private const string Component = "x-schema-id";
    private const string ReferenceDescription = "x-ref-description";

    /// <summary>A JSON value of any form is no component.</summary>
    public static string? ComponentName(JsonTypeInfo type) =>
        type.Type == typeof(JsonElement) || type.Type == typeof(JsonElement?) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);

    public static async Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var property = context.JsonPropertyInfo;
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        var isComponent = schema.Metadata?.TryGetValue(Component, out var id) == true && id is string { Length: > 0 };
        SetType(schema, type, property);
        if (context.JsonTypeInfo.ElementType is { } element && schema is { Items: null } && IsArray(schema))
        {
            schema.Items = await context.GetOrCreateSchemaAsync(element, cancellationToken: cancellationToken);
        }

        if (isComponent || property is null)
        {
            schema.Description = XmlComments.Of(type) ?? schema.Description;
            schema.Required?.ExceptWith(context.JsonTypeInfo.Properties.Where(IsLeftOut).Select(left => left.Name));
        }

        if (property is not null)
        {
            Describe(schema, property, isComponent);
        }

        foreach (var attribute in (property is null ? [] : JsonPropertyAttributes.Of(property)).Concat(Attributes(context.ParameterDescription)))
        {
            Limit(schema, attribute);
        }
    }

    private static void Describe(OpenApiSchema schema, JsonPropertyInfo property, bool isComponent)
    {
        var declared = property.AttributeProvider as PropertyInfo;
        var comment = XmlComments.Of(declared, declared?.Name ?? "");
        if (isComponent)
        {
            if (comment?.Text is { } text)
            {
                schema.Metadata ??= new Dictionary<string, object>();
                schema.Metadata[ReferenceDescription] = text;
            }

            return;
        }

        schema.Description = comment?.Text;
        if (comment?.Example is { } example)
        {
            schema.Examples = [Example(schema, example)];
        }

        if (IsLeftOut(property))
        {
            schema.Type &= ~JsonSchemaType.Null;
        }

        // Says nothing, and client generators take a field with a default for a required one.
        if (JsonNode.DeepEquals(schema.Default, ""))
        {
            schema.Default = null;
        }
    }

    /// <summary>The example as JSON: text for a string, else JSON already.</summary>
    public static JsonNode Example(IOpenApiSchema schema, string example) =>
        example == "null" ? JsonNullSentinel.JsonNull
        : (schema.Type & JsonSchemaType.String) != 0 ? JsonValue.Create(example)
        : JsonNode.Parse(example) ?? JsonNullSentinel.JsonNull;

    /// <summary>The exporter does not know what a converter writes.</summary>
    private static void SetType(OpenApiSchema schema, Type type, JsonPropertyInfo? property)
    {
        var known = type == typeof(string) || type == typeof(DateTimeOffset) ? JsonSchemaType.String : type == typeof(JsonElement) ? JsonSchemaType.Object : default;
        if (schema.Type is null && known != default)
        {
            schema.Type = known | (property?.IsGetNullable == true ? JsonSchemaType.Null : 0);
            schema.Format = type == typeof(DateTimeOffset) ? "date-time" : null;
        }
    }

    private static bool IsArray(OpenApiSchema schema) => (schema.Type & JsonSchemaType.Array) != 0;

    /// <summary>Whether the field is absent where it would be null.</summary>
    private static bool IsLeftOut(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true) is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.WhenWritingNull }];

    private static IEnumerable<object> Attributes(ApiParameterDescription? parameter) =>
        parameter?.ParameterDescriptor is IParameterInfoParameterDescriptor { ParameterInfo: { } info } ? info.GetCustomAttributes(inherit: true) : [];

    private static void Limit(OpenApiSchema schema, object attribute)
    {
        switch (attribute)
        {
            case StringLengthAttribute length:
                schema.MaxLength = length.MaximumLength;
                schema.MinLength = length.MinimumLength > 0 ? length.MinimumLength : null;
                break;
            case MaxLengthAttribute most when IsArray(schema):
                schema.MaxItems = most.Length;
                break;
            case RangeAttribute { Minimum: IFormattable least, Maximum: IFormattable most, MinimumIsExclusive: var exclusive }:
                schema.Minimum = exclusive ? null : Number(least);
                schema.ExclusiveMinimum = exclusive ? Number(least) : null;
                schema.Maximum = Number(most);
                break;
            case RegularExpressionAttribute { Pattern: var pattern } when Alternatives().IsMatch(pattern):
                Enumerate(schema, pattern.Split('|'));
                schema.Pattern = null;
                break;
            case RegularExpressionAttribute { Pattern: var pattern } when !pattern.StartsWith("(?", StringComparison.Ordinal): // ECMAScript has no inline options
                schema.Pattern = $"^(?:{pattern})$"; // the attribute always matches the whole value
                break;
            case UrlAttribute:
                schema.Format = "uri";
                break;
            case AllowedValuesAttribute { Values: var values }:
                Enumerate(schema, values.OfType<string>());
                break;
            case ValuesAttribute { Values: var values }:
                Enumerate(schema, values);
                break;
        }
    }

    private static void Enumerate(OpenApiSchema schema, IEnumerable<string> values)
    {
        var target = schema.Items as OpenApiSchema ?? schema;
        target.Enum = [.. values.Select(value => JsonValue.Create(value))];
        schema.Default = target.Enum.Any(value => JsonNode.DeepEquals(value, schema.Default)) ? schema.Default : null;
        if ((target.Type & JsonSchemaType.Null) != 0)
        {
            target.Enum.Add(JsonNullSentinel.JsonNull);
        }
    }

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    /// <summary><c>all|month|week</c></summary>
    [GeneratedRegex(@"^\w+(\|\w+)+$")]
    private static partial Regex Alternatives();
}
