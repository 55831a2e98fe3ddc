using System.Buffers;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>
/// The bytes of a JSON request, read once: the handler binds from them, an idempotency key is bound to them, and when they
/// do not fit they are looked at again to name every bad field.
/// </summary>
public sealed class JsonBody
{
    private JsonBody(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Kestrel's limit on the size of a body bounds what this reads.</summary>
    public static async Task Middleware(HttpContext context, RequestDelegate next)
    {
        if (context.Request.HasJsonContentType())
        {
            var bytes = await ReadAsync(context);

            // System.Text.Json does not look into strings that it skips, such as an unknown field's.
            if (!Utf8.IsValid(bytes))
            {
                throw new BadHttpRequestException("The body is not UTF-8.");
            }

            context.Features.Set(new JsonBody(bytes));
            context.Request.Body = new MemoryStream(bytes, writable: false);
        }

        await next(context);
    }

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
