using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Kashif.Reporting.Photos;

internal static class PhotoEndpoints
{
    private const string Path = "/api/v1/reports/{id:guid}/photos";
    private const string Binary = "binary";

    private static readonly string[] ContentTypes = [.. Enum.GetValues<PhotoFormat>().Select(format => format.ContentType())];

    private static Error NotFound { get; } = Error.NotFound("Photo not found.");

    private static Error NotYours { get; } = Error.Forbidden("forbidden", "Only the reporter and staff can add photos to a report.");

    private static Error TooLate { get; } = Error.Rule("photo_not_deletable", "You can delete a photo only while the report is submitted. Ask staff.");

    public static void MapPhotos(this IEndpointRouteBuilder endpoints)
    {
        var photos = endpoints.MapGroup(Path).WithTags("Photos").RequireAuthorization();

        // No Accepts: the refusal of another type would come before the one of a caller without rights.
        photos.MapPost("/", AddAsync).AddEndpointFilter(PhotoBody.ReadAsync).WithIdempotency().WithMetadata(new RequestSizeLimitAttribute(PhotoBody.MaxBody))
            .WithName("AddReportPhoto").WithSummary("Upload a photo of a report")
            .WithDescription(
                "For the report's owner and staff. Send a JPEG, PNG or WebP image of at most 10 MB, as the field `photo` of a form or as the body. The type is decided by the content. "
                + "The image is turned upright and encoded again without any metadata, such as the place where it was taken. Of an animation the first picture stays.")
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                operation.RequestBody = Body();
                return Task.CompletedTask;
            })
            .WithProblems(400, "invalid_request").WithProblems(403, "forbidden").WithProblems(413, "too_large").WithProblems(415, "unsupported_media_type")
            .WithProblems(422, "invalid_photo", "too_many_photos").WithProblems(503, "photos_busy");
        photos.MapGet("/", ListAsync).AllowAnonymous().WithPublicCache(TimeSpan.Zero)
            .WithName("ListReportPhotos").WithSummary("List a report's photos, oldest first");
        photos.MapGet("/{photo_id:guid}", ReadAsync).AllowAnonymous().WithEntityTag()
            .WithName("GetReportPhoto").WithSummary("Download a photo, or a smaller size of it")
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                (operation.Responses ??= [])["200"] = new OpenApiResponse { Description = "The image.", Content = ContentTypes.ToDictionary(type => type, _ => File()) };
                return Task.CompletedTask;
            });
        photos.MapPatch("/{photo_id:guid}", ChangeAsync).RequireAuthorization(Policies.Moderator)
            .WithName("ChangeReportPhoto").WithSummary("Hide a photo from the public, or show it again");
        photos.MapDelete("/{photo_id:guid}", DeleteAsync)
            .WithName("DeleteReportPhoto").WithSummary("Delete a photo (staff; the report's owner while it is submitted)")
            .WithProblems(422, "photo_not_deletable");
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Created<PhotoResponse>, ValidationProblem, ProblemHttpResult>> AddAsync(
        Guid id, HttpContext http, ReportingDbContext database, PhotoUploads uploads, UnitOfWork work, CancellationToken cancellationToken)
    {
        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (view is not View.Full)
        {
            return NotYours.ToProblem();
        }

        if (await PhotoUploads.IsFullAsync(database, id, cancellationToken)) // before the work; checked again in the transaction
        {
            return PhotoUploads.TooMany.ToProblem();
        }

        var (photo, refusal) = await uploads.PrepareAsync(http.User.UserId, http.Features.GetRequiredFeature<UploadedPhoto>().Content, cancellationToken);
        if (photo is null)
        {
            return (refusal ?? throw new InvalidOperationException("Neither a photo nor an error.")).ToProblem();
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await uploads.AttachAsync(photo, id, cancellationToken) is { } error)
        {
            return error.ToProblem();
        }

        return await work.CommitAsync(TypedResults.Created(PhotoResponse.PathOf(id, photo.Id), PhotoResponse.From(photo, report, view)), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    private static async Task<Results<Ok<Page<PhotoResponse>>, ProblemHttpResult>> ListAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is not var (report, view))
        {
            return ReportErrors.NotFound.ToProblem();
        }

        if (view is View.Full) // with the hidden ones
        {
            http.Response.Headers.CacheControl = "private, no-cache";
        }

        var photos = await Visible(database, id, view).OrderBy(photo => photo.Id).ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<PhotoResponse>([.. photos.Select(photo => PhotoResponse.From(photo, report, view))], NextCursor: null));
    }

    /// <param name="id">The report's id.</param>
    /// <param name="photoId">The photo's id.</param>
    private static async Task<Results<PushStreamHttpResult, StatusCodeHttpResult, ValidationProblem, ProblemHttpResult>> ReadAsync(
        Guid id, [FromRoute(Name = "photo_id")] Guid photoId, [AsParameters] PhotoFileQuery query,
        HttpContext http, ReportingDbContext database, IPhotoStore store, CancellationToken cancellationToken)
    {
        if (await database.FindVisibleAsync(id, http.User, cancellationToken) is not var (report, view)
            || await Visible(database, id, view).FirstOrDefaultAsync(photo => photo.Id == photoId, cancellationToken) is not { } photo)
        {
            return NotFound.ToProblem();
        }

        var size = query.Parsed;
        var format = photo.FormatOf(size);
        var tag = new EntityTagHeaderValue($"\"{size.ToString().ToLowerInvariant()}\""); // a file never changes
        var headers = http.Response.Headers;
        headers.ETag = tag.ToString();
        headers.XContentTypeOptions = "nosniff";
        headers.ContentDisposition = $"inline; filename=\"photo-{photo.Id}.{format.Extension()}\"";

        // Clients may keep what they have seen. Shared caches forget soon, because a photo can be hidden; the originals would fill them.
        headers.CacheControl = photo.Hidden || report.Private || report.Hidden ? "private, no-cache"
            : size is PhotoSize.Original ? "public, max-age=86400, s-maxage=0"
            : "public, max-age=86400, s-maxage=60";
        if (VersionETag.Matches(http.Request.Headers.IfNoneMatch, tag, strong: false))
        {
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        }

        http.Response.ContentLength = photo.LengthOf(size);
        return TypedResults.Stream(
            async body =>
            {
                await foreach (var piece in store.ReadAsync(photo.Id, size, http.RequestAborted))
                {
                    await body.WriteAsync(piece, http.RequestAborted);
                }
            },
            format.ContentType());
    }

    /// <param name="id">The report's id.</param>
    /// <param name="photoId">The photo's id.</param>
    private static async Task<Results<Ok<PhotoResponse>, ProblemHttpResult>> ChangeAsync(
        Guid id, [FromRoute(Name = "photo_id")] Guid photoId, ChangePhotoRequest request,
        HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is not var (report, view)
            || await Visible(database, id, view).FirstOrDefaultAsync(photo => photo.Id == photoId, cancellationToken) is not { } photo)
        {
            return NotFound.ToProblem();
        }

        if (photo.Hidden != request.Hidden)
        {
            await database.Photos.Where(row => row.Id == photoId)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Hidden, request.Hidden), cancellationToken);
            await database.CountAsync(id, photos: request.Hidden ? -1 : 1, cancellationToken: cancellationToken);
            database.AuditValues(http.User.UserId, request.Hidden ? "hidden" : "shown", "photo", photoId, report.AgencyId, new() { ["report_id"] = id }, time.GetUtcNow());
        }

        return await work.CommitAsync(TypedResults.Ok(PhotoResponse.From(photo, report, view) with { Hidden = request.Hidden }), cancellationToken);
    }

    /// <param name="id">The report's id.</param>
    /// <param name="photoId">The photo's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromRoute(Name = "photo_id")] Guid photoId, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        if (await database.LockVisibleAsync(id, http.User, cancellationToken) is not var (report, view) || view is not View.Full
            || await Visible(database, id, view).FirstOrDefaultAsync(photo => photo.Id == photoId, cancellationToken) is not { } photo)
        {
            return NotFound.ToProblem();
        }

        if (!http.User.WorksOn(report) && report.Status is not ReportStatus.Submitted)
        {
            return TooLate.ToProblem();
        }

        await database.Photos.Where(row => row.Id == photoId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.State, PhotoState.Deleted), cancellationToken);
        await database.CountAsync(id, photos: photo.Hidden ? 0 : -1, cancellationToken: cancellationToken);
        if (report.UserId != http.User.UserId)
        {
            database.AuditValues(http.User.UserId, "deleted", "photo", photoId, report.AgencyId, new() { ["report_id"] = id }, time.GetUtcNow());
        }

        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    private static IQueryable<Photo> Visible(ReportingDbContext database, Guid reportId, View view) => database.Photos.AsNoTracking()
        .Where(photo => photo.ReportId == reportId && photo.State == PhotoState.Attached && (view == View.Full || !photo.Hidden));

    private static OpenApiRequestBody Body()
    {
        var content = ContentTypes.ToDictionary(type => type, _ => File());
        content[PhotoBody.Form] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { PhotoBody.Field },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    [PhotoBody.Field] = new OpenApiSchema { Type = JsonSchemaType.String, Format = Binary, Description = "The image." },
                },
            },
            Example = new JsonObject { [PhotoBody.Field] = "the bytes of the image" },
        };
        return new OpenApiRequestBody { Required = true, Content = content.Reverse().ToDictionary() }; // the form first
    }

    private static OpenApiMediaType File() => new()
    {
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = Binary },
        Example = "the bytes of the image",
    };
}
