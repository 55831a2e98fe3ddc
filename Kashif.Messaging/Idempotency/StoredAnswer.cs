using Kashif.Http;
using Microsoft.AspNetCore.Http;

namespace Kashif.Messaging.Idempotency;

/// <summary>An answer as bytes: captured from a result, stored, and sent again to a replay.</summary>
internal sealed record StoredAnswer(int Status, string? ContentType, string? Location, byte[] Body) : IResult
{
    public static async Task<StoredAnswer> CaptureAsync(IServiceProvider services, IResult result)
    {
        using var body = new MemoryStream();
        var capture = new DefaultHttpContext { RequestServices = services };
        capture.Response.Body = body;
        await result.ExecuteAsync(capture);
        return new StoredAnswer(capture.Response.StatusCode, capture.Response.ContentType, capture.Response.Headers.Location, body.ToArray());
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.Headers[IdempotencyHeaders.Replayed] = "true";
        response.Headers.Location = Location;
        response.ContentType = ContentType;
        await response.Body.WriteAsync(Body, httpContext.RequestAborted);
    }
}
