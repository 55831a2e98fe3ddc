using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kashif.Messaging.RabbitMq;

/// <summary>
/// The envelope on the broker: CloudEvents 1.0, structured mode (<c>application/cloudevents+json</c>), with the distributed
/// tracing extension and <c>correlationid</c>.
/// </summary>
/// <remarks>https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md</remarks>
internal sealed record CloudEvent(
    [property: JsonPropertyName("id")] Guid Id,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("time")] DateTimeOffset Time,
    [property: JsonPropertyName("data")] JsonElement Data,
    [property: JsonPropertyName("traceparent")] string? TraceParent = null,
    [property: JsonPropertyName("correlationid")] string? CorrelationId = null)
{
    public const string ContentType = "application/cloudevents+json";

    /// <exception cref="JsonException">The body is not such an event.</exception>
    public static CloudEvent Parse(ReadOnlySpan<byte> body) =>
        JsonSerializer.Deserialize(body, CloudEventJson.Default.CloudEvent) ?? throw new JsonException("The message is null.");
}

[JsonSourceGenerationOptions(RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CloudEvent))]
internal sealed partial class CloudEventJson : JsonSerializerContext;
