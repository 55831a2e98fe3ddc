namespace Kashif.Reporting.Open311;

/// <summary>A response in the format that the path asks for.</summary>
internal sealed class Answer(Format format, string root, object? value, int status = StatusCodes.Status200OK, string? cacheControl = null) : IResult, IStatusCodeHttpResult
{
    public int? StatusCode => status;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var body = Document.Write(format, root, value);
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = format.ContentType();
        response.ContentLength = body.Length;
        if (cacheControl is not null)
        {
            response.Headers.CacheControl = cacheControl;
        }

        return response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
    }
}

/// <param name="Code">The HTTP status.</param>
/// <param name="Description">In English: the specification knows no other language.</param>
internal readonly record struct Fault(int Code, string Description)
{
    public static Fault KeyRefused { get; } = new Fault(StatusCodes.Status403Forbidden, "Invalid api_key received -- can't proceed with create_request.");

    public static Fault KeyMissing { get; } = new Fault(StatusCodes.Status403Forbidden, "api_key required");

    public static Fault Bad(string description) => new(StatusCodes.Status400BadRequest, description);

    public static Fault Missing(string parameter) => Bad($"{parameter} required");

    public static Fault NotFound(string description) => new(StatusCodes.Status404NotFound, description);
}

internal static class Faults
{
    /// <summary>One response for all faults. Its status is that of the first.</summary>
    public static Answer ToAnswer(this IReadOnlyList<Fault> faults, Format format) => new(
        format, "errors", new Items("error", [.. faults.Select(fault => new Fields(("code", fault.Code), ("description", fault.Description)))]), faults[0].Code);

    public static Answer ToAnswer(this Fault fault, Format format) => new[] { fault }.ToAnswer(format);
}
