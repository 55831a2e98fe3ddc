using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Kashif.Http;

/// <summary>
/// Refuses a body in another charset than UTF-8, or in a content coding. The framework fails on a charset that it does not know,
/// transcodes the others after <see cref="JsonBody"/> has compared the bytes, and reads compressed bytes as text.
/// </summary>
internal static class BodyEncoding
{
    private const string Utf8 = "utf-8";
    private const string NoCoding = "identity";

    private static readonly Error NotUtf8 = Error.UnsupportedMediaType("Send the body in UTF-8: without a charset in Content-Type, or with charset=utf-8.");
    private static readonly Error Coded = Error.UnsupportedMediaType("Send the body without a Content-Encoding.");

    public static Task Middleware(HttpContext context, RequestDelegate next) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && Fault(context.Request) is { } fault
            ? fault.ToProblem().ExecuteAsync(context)
            : next(context);

    private static Error? Fault(HttpRequest request)
    {
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.Charset.HasValue
            && !type.Charset.Equals(Utf8, StringComparison.OrdinalIgnoreCase))
        {
            if (!HeaderUtilities.RemoveQuotes(type.Charset).Equals(Utf8, StringComparison.OrdinalIgnoreCase))
            {
                return NotUtf8;
            }

            type.Charset = Utf8; // The framework does not know a name in quotes.
            request.ContentType = type.ToString();
        }

        var codings = request.Headers.ContentEncoding;
        return codings.Count == 0 || codings.ToString().Equals(NoCoding, StringComparison.OrdinalIgnoreCase) ? null : Coded;
    }
}
