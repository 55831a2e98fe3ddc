using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Kashif.Http;

/// <summary>
/// The bytes of a JSON or CSV request body, read once. They are bound to the handler's parameter, compared under an idempotency key, and
/// parsed again to find all invalid fields if binding fails.
/// </summary>
public sealed class JsonBody
{
    private JsonBody(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>For an endpoint that reads its body in another way: what its idempotency key compares.</summary>
    public static void Compare(HttpContext context, ReadOnlyMemory<byte> bytes) => context.Features.Set(new JsonBody(bytes));

    /// <summary>Whether a valid body sets the field to null. A bound PATCH request does not tell that from a field that is left out.</summary>
    /// <param name="field">Its wire name.</param>
    public bool SetsToNull(string field)
    {
        using var json = JsonDocument.Parse(Bytes);
        return json.RootElement.EnumerateObject().Any(property =>
            property.Value.ValueKind is JsonValueKind.Null && property.Name.Equals(field, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Reads the whole body; Kestrel's <c>MaxRequestBodySize</c> limits it.</summary>
    public static async Task Middleware(HttpContext context, RequestDelegate next)
    {
        if (context.Request.HasJsonContentType() || IsCsv(context.Request))
        {
            var bytes = await ReadAsync(context);

            // System.Text.Json does not look into strings that it skips, such as an unknown field's.
            if (!Utf8.IsValid(bytes))
            {
                throw new BadHttpRequestException("The body is not UTF-8.");
            }

            if (bytes.AsSpan().StartsWith("\uFEFF"u8))
            {
                bytes = bytes[3..]; // the byte order mark, which not every reader skips
            }

            context.Features.Set(new JsonBody(bytes));
            context.Request.Body = new MemoryStream(bytes, writable: false);
        }

        await next(context);
    }

    private static bool IsCsv(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("text/csv", StringComparison.OrdinalIgnoreCase);

    private static async ValueTask<byte[]> ReadAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(context.RequestAborted);
            if (result.IsCompleted)
            {
                var bytes = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return bytes;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
