using System.Diagnostics;
using System.Globalization;
using Kashif.Localization;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace Kashif.Http;

/// <summary>Adds the common fields to all problems.</summary>
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
            // Two names of a client's own choice can have the same wire name.
            validation.Errors = validation.Errors.GroupBy(error => WireName.Of(error.Key))
                .ToDictionary(field => field.Key, string[] (field) => [.. field.SelectMany(error => error.Value).Select(Localized.Text).Distinct()]);
            problem.Detail ??= "One or more fields are invalid; see errors.";
        }

        if (status is StatusCodes.Status403Forbidden && context.HttpContext.Features.Get<InsufficientScope>() is { } scope)
        {
            problem.Detail ??= Localized.Format($"This API key lacks the scope {scope.Needed}.");
            problem.Extensions.TryAdd(Code, InsufficientScope.Code);
        }

        problem.Detail = (problem.Detail ?? DefaultDetail(context.HttpContext, status)) is { } detail ? Localized.Text(detail) : null;
        context.HttpContext.Response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptLanguage);
        context.HttpContext.Response.Headers.ContentLanguage = CultureInfo.CurrentUICulture.Name;
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

    /// <summary>For errors of the framework, which have only a status.</summary>
    private static string? DefaultDetail(HttpContext context, int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "Send a valid access token: Authorization: Bearer <token>.",
        StatusCodes.Status403Forbidden => "Your roles do not allow this.",
        StatusCodes.Status404NotFound => "There is nothing at this path. Check the path and the ids in it.",
        StatusCodes.Status405MethodNotAllowed => "Method not allowed; see Allow.",
        StatusCodes.Status413PayloadTooLarge when context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize is { } limit =>
            Error.TooLarge(limit).Detail,
        StatusCodes.Status413PayloadTooLarge => "The request body is too large.",
        StatusCodes.Status415UnsupportedMediaType => "Unsupported Content-Type. Send application/json, or a form where the documentation asks for one.",
        StatusCodes.Status429TooManyRequests => "Too many requests. Try again after the time in Retry-After.",
        StatusCodes.Status503ServiceUnavailable => "A required server is temporarily unavailable. Try again.",
        StatusCodes.Status504GatewayTimeout => "The server took too long. Try again.",
        < StatusCodes.Status500InternalServerError => "The request is malformed.",
        _ => null,
    };

    public static string DefaultCode(int status) => status switch
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
/// Writes the problem even if <c>Accept</c> does not include it. RFC 9110 section 12.4.1 allows that, and an empty body would not
/// explain the error.
/// </summary>
internal sealed class ProblemForAnyClient(IServiceProvider services) : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public ValueTask WriteAsync(ProblemDetailsContext context) =>
        services.GetServices<IProblemDetailsWriter>().Last(writer => writer != this).WriteAsync(context); // the framework's writer
}
