using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;

namespace Kashif.Gateway.Representation;

/// <summary>
/// Wraps JSON as <c>{"success","data","error","message","meta"}</c>. A list's items become data, a problem's code and detail become
/// error and message; their other members become meta. Anything else becomes data.
/// </summary>
internal static class Envelope
{
    public const string Preference = "envelope";

    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 256 };

    public static bool IsJson(string? contentType)
    {
        var type = Compression.MediaType(contentType);
        return type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    /// <exception cref="JsonException">The body is not JSON.</exception>
    public static byte[] Wrap(int status, ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body, Depth);
        var root = document.RootElement;
        var result = new MemoryStream(body.Length + 128);
        using (var json = new Utf8JsonWriter(result))
        {
            if (status >= StatusCodes.Status400BadRequest && Text(root, "code") is { } code)
            {
                Write(json, isSuccess: false, data: null, code, Text(root, "detail") ?? ReasonPhrases.GetReasonPhrase(status), () => Rest(json, root, "code", "detail"));
            }
            else if (IsList(root, out var items, out var next))
            {
                Write(json, isSuccess: true, items, error: null, ReasonPhrases.GetReasonPhrase(status), () =>
                {
                    Rest(json, root, "items");
                    json.WriteBoolean("has_next", next.ValueKind is not JsonValueKind.Null);
                });
            }
            else
            {
                Write(json, IsSuccess(status), root, Error(status), ReasonPhrases.GetReasonPhrase(status), meta: null);
            }
        }

        return result.ToArray();
    }

    /// <summary>The parts of the envelope before and after a body that is too long to parse.</summary>
    public static (byte[] Before, byte[] After) Parts(int status)
    {
        var empty = Wrap(status, "0"u8.ToArray());
        var gap = empty.AsSpan().IndexOf("\"data\":0"u8) + "\"data\":"u8.Length;
        return (empty[..gap], empty[(gap + 1)..]);
    }

    private static bool IsSuccess(int status) => status < StatusCodes.Status400BadRequest;

    private static string? Error(int status) => IsSuccess(status) ? null : $"http_{status}";

    private static void Write(Utf8JsonWriter json, bool isSuccess, JsonElement? data, string? error, string message, Action? meta)
    {
        json.WriteStartObject();
        json.WriteBoolean("success", isSuccess);
        json.WritePropertyName("data");
        Raw(json, data);
        json.WriteString("error", error);
        json.WriteString("message", message);
        json.WritePropertyName("meta");
        if (meta is null)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteStartObject();
            meta();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Rest(Utf8JsonWriter json, JsonElement root, params string[] without)
    {
        foreach (var member in root.EnumerateObject().Where(member => !without.Contains(member.Name)))
        {
            json.WritePropertyName(member.Name);
            Raw(json, member.Value);
        }
    }

    /// <summary>Copies the service's bytes unchanged.</summary>
    private static void Raw(Utf8JsonWriter json, JsonElement? value)
    {
        if (value is { } element)
        {
            json.WriteRawValue(JsonMarshal.GetRawUtf8Value(element), skipInputValidation: true);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static string? Text(JsonElement root, string member) =>
        root.ValueKind is JsonValueKind.Object && root.TryGetProperty(member, out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()
            : null;

    private static bool IsList(JsonElement root, out JsonElement items, out JsonElement next)
    {
        (items, next) = (default, default);
        return root.ValueKind is JsonValueKind.Object
            && root.TryGetProperty("items", out items) && items.ValueKind is JsonValueKind.Array
            && root.TryGetProperty("next_cursor", out next);
    }
}
