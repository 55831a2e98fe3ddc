using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Kashif.Gateway.Representation;

/// <summary>Transforms responses as the client requests: compression, envelope, or both.</summary>
internal static class Representations
{
    /// <summary>Before all middleware that writes responses, errors included.</summary>
    public static void UseRepresentations(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            var request = context.Request.Headers;
            var envelope = IsEnvelope(context);
            request.AcceptEncoding = Compression.Choose(context.Request) is { } coding ? coding : default;
            EntityTags.Restore(request, envelope);
            context.Response.OnStarting(() =>
            {
                Finish(context.Response, envelope);
                return Task.CompletedTask;
            });
            return next(context);
        });

        // Outside the cache, which stores the services' responses; so is the compression of envelopes.
        app.UseWhen(IsEnvelope, branch => branch.UseResponseCompression().Use(WrapAsync));
    }

    private static bool IsEnvelope(HttpContext context) =>
        context.Request.Headers[Preferences.Header] is { Count: > 0 } header && Preferences.Has(header, Envelope.Preference);

    private static async Task WrapAsync(HttpContext context, RequestDelegate next)
    {
        var features = context.Features;
        var original = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var accepted = context.Request.Headers.AcceptEncoding;
        context.Request.Headers.AcceptEncoding = default;
        await using var body = new EnvelopeBody(context, original, accepted);
        features.Set<IHttpResponseBodyFeature>(body);
        try
        {
            await next(context);
            await body.FinishAsync();
        }
        finally
        {
            features.Set(original);
        }
    }

    private static void Finish(HttpResponse response, bool envelope)
    {
        var headers = response.Headers;
        var isNotModified = response.StatusCode is StatusCodes.Status304NotModified;
        EntityTags.Mark(headers, envelope && (isNotModified || headers.ContainsKey(Preferences.Applied)));
        if (isNotModified || Compression.Applies(response.ContentType))
        {
            Vary(headers, "Accept-Encoding");
        }

        if (isNotModified || Envelope.IsJson(response.ContentType))
        {
            Vary(headers, Preferences.Header);
        }
    }

    private static void Vary(IHeaderDictionary headers, string name)
    {
        if (!headers.GetCommaSeparatedValues("Vary").Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            headers.Vary = StringValues.Concat(headers.Vary, name);
        }
    }
}
