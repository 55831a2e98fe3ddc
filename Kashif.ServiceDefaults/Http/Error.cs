using Kashif.Localization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>An expected failure: a value that a handler returns and that becomes an RFC 9457 problem in one place.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">Stable, snake_case, for programs.</param>
/// <param name="Detail">For people; no data about other users.</param>
public sealed record Error(int Status, string Code, string Detail)
{
    /// <summary>Missing or another user's: the answer is the same.</summary>
    public static Error NotFound(string detail) => new(StatusCodes.Status404NotFound, "not_found", detail);

    public static Error Forbidden(string code, string detail) => new(StatusCodes.Status403Forbidden, code, detail);

    public static Error Conflict(string code, string detail) => new(StatusCodes.Status409Conflict, code, detail);

    /// <summary>Well-formed, but against a rule of the domain.</summary>
    public static Error Rule(string code, string detail) => new(StatusCodes.Status422UnprocessableEntity, code, detail);

    public static Error TooMany(string code, string detail) => new(StatusCodes.Status429TooManyRequests, code, detail);

    /// <param name="limit">In bytes.</param>
    public static Error TooLarge(long limit) => new(
        StatusCodes.Status413PayloadTooLarge, "too_large", Localized.Format($"The request body is too large. At most {limit / 1024} KiB."));

    public static Error Unavailable(string code, string detail) => new(StatusCodes.Status503ServiceUnavailable, code, detail);

    /// <summary>The problem. <c>type</c>, <c>title</c> and <c>trace_id</c> are filled in where all problems are written.</summary>
    public ProblemHttpResult ToProblem() => TypedResults.Problem(
        Detail, statusCode: Status, extensions: [new(ProblemExtensions.Code, Code)]);

    public static implicit operator ProblemHttpResult(Error error) => error.ToProblem();

    /// <summary>A 400 that names one bad field, for what attributes cannot check.</summary>
    /// <param name="field">Its wire name.</param>
    public static ValidationProblem Field(string field, string message) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]> { [field] = [message] });
}
