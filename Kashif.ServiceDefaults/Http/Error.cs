using Kashif.Localization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>An expected failure. Handlers return it, and it becomes an RFC 9457 problem.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">For programs: stable, in snake_case.</param>
/// <param name="Detail">For people. Must not contain data about other users.</param>
public sealed record Error(int Status, string Code, string Detail)
{
    /// <summary>For a missing resource and for another user's: the response must be the same.</summary>
    public static Error NotFound(string detail) => new(StatusCodes.Status404NotFound, "not_found", detail);

    public static Error Forbidden(string code, string detail) => new(StatusCodes.Status403Forbidden, code, detail);

    public static Error Conflict(string code, string detail) => new(StatusCodes.Status409Conflict, code, detail);

    /// <summary>A well-formed request that breaks a business rule.</summary>
    public static Error Rule(string code, string detail) => new(StatusCodes.Status422UnprocessableEntity, code, detail);

    public static Error TooMany(string code, string detail) => new(StatusCodes.Status429TooManyRequests, code, detail);

    /// <param name="limit">In bytes.</param>
    public static Error TooLarge(long limit) => new(
        StatusCodes.Status413PayloadTooLarge, "too_large", Localized.Format($"The request body is too large. At most {limit / 1024} KiB."));

    public static Error UnsupportedMediaType(string detail) => new(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", detail);

    public static Error Unavailable(string code, string detail) => new(StatusCodes.Status503ServiceUnavailable, code, detail);

    /// <summary>The problem, to which <see cref="ProblemExtensions"/> adds <c>type</c>, <c>title</c> and <c>trace_id</c>.</summary>
    public ProblemHttpResult ToProblem() => TypedResults.Problem(
        Detail, statusCode: Status, extensions: [new(ProblemExtensions.Code, Code)]);

    /// <summary>The problem with one more member, for programs.</summary>
    public ProblemHttpResult ToProblem(string member, object value) => TypedResults.Problem(
        Detail, statusCode: Status, extensions: [new(ProblemExtensions.Code, Code), new(member, value)]);

    public static implicit operator ProblemHttpResult(Error error) => error.ToProblem();

    /// <summary>A 400 for one invalid field, for rules that attributes cannot check.</summary>
    /// <param name="field">The field's wire name.</param>
    public static ValidationProblem Field(string field, string message) =>
        Field(field, [message]);

    /// <inheritdoc cref="Field(string, string)"/>
    public static ValidationProblem Field(string field, IEnumerable<string> messages) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]> { [field] = [.. messages] });
}
