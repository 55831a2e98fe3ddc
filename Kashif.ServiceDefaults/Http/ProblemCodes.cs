using Microsoft.AspNetCore.Builder;

namespace Kashif.Http;

/// <summary>Endpoint metadata: errors that the endpoint returns, for its documentation.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Codes">The <c>code</c>s of its problems.</param>
public sealed record ProblemCodes(int Status, IReadOnlyList<string> Codes);

/// <summary>Documents an endpoint's errors.</summary>
public static class ProblemCodesExtensions
{
    /// <summary>
    /// Documents errors of the endpoint's own rules: <c>.WithProblems(409, "email_taken")</c>. Those of authentication, validation, a missing
    /// <c>{id}</c>, the body's size and type, and the gateway's limits are documented already.
    /// </summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder builder, int status, params string[] codes)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ProblemCodes(status, codes));
}
