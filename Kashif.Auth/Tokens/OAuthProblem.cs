using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.Tokens;

/// <summary>Problems that OAuth clients understand too: they also have <c>error</c> and <c>error_description</c> (RFC 6749 section 5.2).</summary>
internal static class OAuthProblem
{
    public static ProblemHttpResult Of(int status, string code, string error, string detail) => TypedResults.Problem(
        detail, statusCode: status, extensions: [new("code", code), new("error", error), new("error_description", detail)]);

    public static ValidationProblem MissingFields(params (string Name, string Value)[] fields) => TypedResults.ValidationProblem(
        fields.Where(field => field.Value.Length == 0).ToDictionary(field => field.Name, _ => new[] { "This field is required." }));
}
