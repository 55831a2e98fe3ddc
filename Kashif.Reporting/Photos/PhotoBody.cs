using System.Security.Cryptography;
using Kashif.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Kashif.Reporting.Photos;

/// <summary>Request feature: the bytes of an uploaded photo.</summary>
internal sealed record UploadedPhoto(ReadOnlyMemory<byte> Content);

/// <summary>Bounds the memory of uploads: a process receives, holds and decodes so many at a time.</summary>
internal sealed class PhotoSlots(IOptions<PhotoOptions> options)
{
    private readonly SemaphoreSlim _free = new(options.Value.Uploads);

    public bool TryTake() => _free.Wait(0);

    public void Return() => _free.Release();
}

/// <summary>Reads a photo from the field <see cref="Field"/> of a form, or from a body that is the photo itself.</summary>
internal static class PhotoBody
{
    public const string Field = "photo";
    public const string Form = "multipart/form-data";

    /// <summary>Of the whole body: the photo and the form around it.</summary>
    public const int MaxBody = PhotoUploads.MaxBytes + (1024 * 1024);

    private const int MaxFields = 20;
    private const string BusySeconds = "5";

    private static Error Busy { get; } = Error.Unavailable("photos_busy", "The server is receiving too many photos at once. Try again.");

    private static Error OtherType { get; } = Error.UnsupportedMediaType("Send the photo as image/jpeg, image/png or image/webp, or in the field photo of a form.");

    /// <summary>Endpoint filter: reads the body before an idempotency key is claimed, which compares the photo. Boundaries of a form differ each time.</summary>
    public static async ValueTask<object?> ReadAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var http = invocation.HttpContext;
        var metrics = http.RequestServices.GetRequiredService<PhotoMetrics>();
        var slots = http.RequestServices.GetRequiredService<PhotoSlots>();
        if (!slots.TryTake())
        {
            metrics.Rejected(Busy.Code);
            http.Response.Headers.RetryAfter = BusySeconds;
            return Busy.ToProblem();
        }

        try
        {
            if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type))
            {
                return OtherType.ToProblem();
            }

            MemoryStream? photo;
            if (type.MediaType.Equals(Form, StringComparison.OrdinalIgnoreCase))
            {
                photo = await ReadFormAsync(http, HeaderUtilities.RemoveQuotes(type.Boundary).ToString());
            }
            else if (type.Type.Equals("image", StringComparison.OrdinalIgnoreCase) || type.MediaType.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase))
            {
                photo = await ReadAsync(http.Request.Body, http.RequestAborted);
            }
            else
            {
                return OtherType.ToProblem();
            }

            if (photo is null)
            {
                return Error.Field(Field, "This field is required.");
            }

            if (photo.Length > PhotoUploads.MaxBytes)
            {
                var error = Error.TooLarge(PhotoUploads.MaxBytes);
                metrics.Rejected(error.Code);
                return error.ToProblem();
            }

            var content = photo.GetBuffer().AsMemory(0, (int)photo.Length);
            http.Features.Set(new UploadedPhoto(content));
            http.Features.Set(new ComparedBody(SHA256.HashData(content.Span)));
            return await next(invocation);
        }
        finally
        {
            slots.Return();
        }
    }

    /// <returns>The first field of the name; null without one.</returns>
    private static async Task<MemoryStream?> ReadFormAsync(HttpContext http, string boundary)
    {
        if (boundary.Length is 0 or > 70) // RFC 2046, section 5.1.1
        {
            throw new BadHttpRequestException("The form has no valid boundary.");
        }

        try
        {
            var form = new MultipartReader(boundary, http.Request.Body);
            for (var count = 0; count < MaxFields && await form.ReadNextSectionAsync(http.RequestAborted) is { } section; count++)
            {
                if (ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var field) && HeaderUtilities.RemoveQuotes(field.Name).Equals(Field))
                {
                    return await ReadAsync(section.Body, http.RequestAborted);
                }
            }

            return null;
        }
        catch (Exception exception) when (exception is InvalidDataException || (exception is IOException && exception is not BadHttpRequestException))
        {
            throw new BadHttpRequestException("The form is damaged.", exception);
        }
    }

    /// <summary>Keeps one byte more than allowed, and reads the rest too: a client that is still sending would not see the answer.</summary>
    private static async Task<MemoryStream> ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        var photo = new MemoryStream();
        var piece = new byte[64 * 1024];
        while (await body.ReadAsync(piece, cancellationToken) is > 0 and var count)
        {
            photo.Write(piece, 0, (int)Math.Min(count, PhotoUploads.MaxBytes + 1 - photo.Length));
        }

        return photo;
    }
}
