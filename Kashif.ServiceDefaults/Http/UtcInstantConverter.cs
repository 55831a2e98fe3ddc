using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kashif.Http;

/// <summary>Instants on the wire: ISO 8601 in UTC with <c>Z</c>, in microseconds, PostgreSQL's precision.</summary>
public sealed class UtcInstantConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>The round-trip format, <c>2026-11-20T18:57:00.1234567Z</c>: several times faster than a custom format.</summary>
    private const int RoundTripLength = 28;

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset().ToUniversalTime();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[RoundTripLength];
        value.UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[^2] = (byte)'Z'; // in place of the seventh digit
        writer.WriteStringValue(text[..^1]);
    }
}
