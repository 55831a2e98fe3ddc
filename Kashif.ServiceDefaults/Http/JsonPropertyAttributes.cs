using System.Text.Json.Serialization.Metadata;

namespace Kashif.Http;

internal static class JsonPropertyAttributes
{
    /// <summary>A record may have attributes on a property or on its constructor parameter.</summary>
    public static IEnumerable<object> Of(JsonPropertyInfo property) =>
        (property.AttributeProvider?.GetCustomAttributes(inherit: true) ?? [])
        .Concat(property.AssociatedParameter?.AttributeProvider?.GetCustomAttributes(inherit: true) ?? []);
}
