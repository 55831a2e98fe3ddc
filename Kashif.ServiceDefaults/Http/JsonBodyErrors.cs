using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kashif.Localization;

namespace Kashif.Http;

/// <summary>
/// Finds all errors in a body that does not match its request type. System.Text.Json stops at the first invalid field, so this reads
/// each field separately.
/// </summary>
internal static class JsonBodyErrors
{
    private const string WholeBody = "body";

    /// <param name="services">For attributes that need a service.</param>
    public static Dictionary<string, string[]> Find(ReadOnlySpan<byte> body, JsonTypeInfo type, IServiceProvider services)
    {
        JsonElement root;
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = type.Options.MaxDepth });
            root = JsonElement.ParseValue(ref reader);
        }
        catch (JsonException exception)
        {
            return One(WholeBody, body.ContainsAnyExcept(" \t\r\n"u8)
                ? Localized.Format($"Invalid JSON at line {(exception.LineNumber ?? 0) + 1}, byte {(exception.BytePositionInLine ?? 0) + 1}.")
                : "The body is empty. Send a JSON object.");
        }

        if (root.ValueKind is not JsonValueKind.Object || type.Kind is not JsonTypeInfoKind.Object)
        {
            return One(WholeBody, "Expected a JSON object.");
        }

        var errors = new Dictionary<string, string[]>();
        try
        {
            foreach (var property in type.Properties)
            {
                if (Check(root, property, type.Options, services) is { Length: > 0 } messages)
                {
                    errors[property.Name] = messages;
                }
            }
        }
        catch (InvalidOperationException)
        {
            // A name in the body is not text: "\ud800" is half of a surrogate pair.
            return One(WholeBody, "The body does not match the request's schema.");
        }

        return errors.Count > 0 ? errors : One(WholeBody, "The body does not match the request's schema.");
    }

    private static string[] Check(JsonElement root, JsonPropertyInfo property, JsonSerializerOptions options, IServiceProvider services)
    {
        if (!TryGet(root, property.Name, options.PropertyNameCaseInsensitive, out var element))
        {
            return property.IsRequired ? ["This field is required."] : [];
        }

        if (element.ValueKind is JsonValueKind.Null && !property.IsSetNullable)
        {
            return ["This field must not be null."];
        }

        object? value;
        try
        {
            value = element.Deserialize(options.GetTypeInfo(property.PropertyType));
        }
        catch (JsonException)
        {
            return [Describe(property.PropertyType, element)];
        }

        var context = new ValidationContext(value ?? property.Name, services, items: null) { MemberName = property.Name, DisplayName = property.Name };
        return
        [
            .. JsonPropertyAttributes.Of(property).OfType<ValidationAttribute>()
                .Select(attribute => attribute.GetValidationResult(value, context)?.ErrorMessage)
                .OfType<string>(),
        ];
    }

    private static bool TryGet(JsonElement root, string name, bool ignoreCase, out JsonElement value)
    {
        var comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name.Equals(name, comparison))
            {
                value = property.Value;
                return true;
            }
        }

        value = default;
        return false;
    }

    private static string Describe(Type type, JsonElement element)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            { IsEnum: true } => Localized.Format($"Must be one of {string.Join(", ", Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName))}."),
            _ when type == typeof(string) => element.ValueKind is JsonValueKind.String ? Characters.NotText : "Must be a string.",
            _ when type == typeof(bool) => "Must be true or false.",
            _ when type == typeof(int) || type == typeof(long) => "Must be a whole number that is not too large.",
            _ when type == typeof(double) || type == typeof(decimal) => "Must be a number that is not too large.",
            _ when type == typeof(Guid) => "Must be a UUID.",
            _ when type == typeof(DateTimeOffset) => UtcInstantConverter.Expected,
            _ when type.IsArray || typeof(System.Collections.IEnumerable).IsAssignableFrom(type) => "Must be an array of values of the right type.",
            _ => "Must be an object with fields of the right type.",
        };
    }

    private static Dictionary<string, string[]> One(string field, string message) => new() { [field] = [message] };
}
