using System.Diagnostics;
using System.Text.Json;
using Kashif.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Http;

/// <summary>Gives all problems their common form.</summary>
internal static class ProblemExtensions
{
    public const string Code = "code";
    private const string TraceId = "trace_id";
    private const string RetryAfterSeconds = "1";

    public static IServiceCollection AddKashifProblems(this IServiceCollection services) => services
        .AddProblemDetails(options => options.CustomizeProblemDetails = Complete)
        .AddSingleton<IProblemDetailsWriter, ProblemForAnyClient>()
        .AddExceptionHandler<ExceptionProblems>();

    private static void Complete(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        var status = problem.Status ??= context.HttpContext.Response.StatusCode;
        if (problem is HttpValidationProblemDetails validation)
        {
            validation.Errors = validation.Errors.ToDictionary(error => WireName(error.Key), error => error.Value);
            problem.Detail ??= "One or more fields are invalid; see errors.";
        }

        if (status is StatusCodes.Status403Forbidden && context.HttpContext.Features.Get<InsufficientScope>() is { } scope)
        {
            problem.Detail ??= $"This API key lacks the scope {scope.Needed}.";
            problem.Extensions.TryAdd(Code, InsufficientScope.Code);
        }

        problem.Detail ??= DefaultDetail(status);
        var code = problem.Extensions.TryGetValue(Code, out var given) && given is string text ? text : DefaultCode(status);
        problem.Extensions[Code] = code;
        problem.Extensions[TraceId] = Activity.Current?.TraceId.ToString() ?? context.HttpContext.TraceIdentifier;
        problem.Type = $"urn:kashif:problem:{code}";
        problem.Title = ReasonPhrases.GetReasonPhrase(status);

        if (status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests)
        {
            context.HttpContext.Response.Headers.RetryAfter =
                context.HttpContext.Response.Headers.RetryAfter is { Count: > 0 } known ? known : RetryAfterSeconds;
        }
    }

    /// <summary><c>Address.PostalCode</c> → <c>address.postal_code</c>; names that are in wire form already stay as they are.</summary>
    private static string WireName(string path) =>
        string.Join('.', path.Split('.').Select(JsonNamingPolicy.SnakeCaseLower.ConvertName));

    /// <summary>For refusals of the framework, which have only a status.</summary>
    private static string? DefaultDetail(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "Send a valid access token: Authorization: Bearer <token>.",
        StatusCodes.Status403Forbidden => "Your roles do not allow this.",
        StatusCodes.Status404NotFound => "Path not found.",
        StatusCodes.Status405MethodNotAllowed => "Method not allowed; see Allow.",
        StatusCodes.Status413PayloadTooLarge => "The request body is too large.",
        StatusCodes.Status415UnsupportedMediaType => "Unsupported Content-Type. Send application/json, or a form where the documentation asks for one.",
        _ => null,
    };

    private static string DefaultCode(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "invalid_request",
        StatusCodes.Status401Unauthorized => "unauthorized",
        StatusCodes.Status403Forbidden => "forbidden",
        StatusCodes.Status404NotFound => "not_found",
        StatusCodes.Status405MethodNotAllowed => "method_not_allowed",
        StatusCodes.Status409Conflict => "conflict",
        StatusCodes.Status413PayloadTooLarge => "too_large",
        StatusCodes.Status415UnsupportedMediaType => "unsupported_media_type",
        StatusCodes.Status422UnprocessableEntity => "unprocessable",
        StatusCodes.Status429TooManyRequests => "too_many_requests",
        StatusCodes.Status503ServiceUnavailable => "unavailable",
        StatusCodes.Status504GatewayTimeout => "timeout",
        < StatusCodes.Status500InternalServerError => "invalid_request",
        _ => "internal_error",
    };
}

/// <summary>
/// Writes the problem even if <c>Accept</c> does not allow it: RFC 9110 section 12.4.1 permits that, and an empty body would
/// explain nothing.
/// </summary>
internal sealed class ProblemForAnyClient(IServiceProvider services) : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public ValueTask WriteAsync(ProblemDetailsContext context) =>
        services.GetServices<IProblemDetailsWriter>().First().WriteAsync(context); // the framework's own
}
