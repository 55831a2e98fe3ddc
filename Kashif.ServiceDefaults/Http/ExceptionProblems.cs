using System.Data.Common;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kashif.Http;

/// <summary>
/// Turns exceptions into problems: 400 with the invalid fields if binding fails, 503 if the database is unavailable. Any other
/// exception is a bug: it is logged, and the client gets a 500 without details.
/// </summary>
internal sealed partial class ExceptionProblems(
    IProblemDetailsService problems, IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, ILogger<ExceptionProblems> logger) : IExceptionHandler
{
    private const int StatusClientClosedRequest = 499;

    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    private const string CharacterNotInRepertoire = "22021";
    private const string UntranslatableCharacter = "22P05";

    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusClientClosedRequest;
            return true;
        }

        var problem = Describe(context, exception);
        context.Response.StatusCode = problem.Status ?? StatusCodes.Status500InternalServerError;

        // The exception handler has cleared the response headers.
        context.Response.Headers[CorrelationId.Header] = context.Request.Headers[CorrelationId.Header];
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = problem, Exception = exception });
    }

    private ProblemDetails Describe(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException bad:
                return Errors(context, bad) is { } errors
                    ? new HttpValidationProblemDetails(errors) { Status = bad.StatusCode }
                    : new ProblemDetails { Status = bad.StatusCode };

            case DbException { SqlState: CharacterNotInRepertoire or UntranslatableCharacter }:
                return new ProblemDetails
                {
                    Status = StatusCodes.Status400BadRequest,
                    Detail = "The request contains a character that cannot be stored, such as U+0000.",
                };

            case ConflictException:
                return new ProblemDetails { Status = StatusCodes.Status409Conflict, Detail = exception.Message };

            // Searches inner exceptions, because EF wraps database exceptions.
            case var _ when TransientFailure.Is(exception) || exception is TimeoutException:
                Unavailable(logger, exception);
                return new ProblemDetails { Status = StatusCodes.Status503ServiceUnavailable };

            // Auth is unavailable, so token validation has no keys.
            case InvalidOperationException { InnerException: IOException or HttpRequestException }:
                Unavailable(logger, exception);
                return new ProblemDetails { Status = StatusCodes.Status503ServiceUnavailable };

            default:
                Unhandled(logger, context.Request.Method, exception);
                return new ProblemDetails
                {
                    Status = StatusCodes.Status500InternalServerError,
                    Detail = "Internal error. Report the trace id.",
                };
        }
    }

    private Dictionary<string, string[]>? Errors(HttpContext context, BadHttpRequestException exception)
    {
        if (exception.StatusCode != StatusCodes.Status400BadRequest)
        {
            return null;
        }

        // Failed to bind parameter "Nullable<int> limit" from "abc".
        // Required parameter "double latitude" was not provided from query string.
        if (Parameter().Match(exception.Message) is { Success: true } parameter)
        {
            var message = parameter.Groups["missing"].Success ? "This field is required." : "The value is not of the expected type.";
            return new() { [parameter.Groups["name"].Value] = [message] };
        }

        return context.Features.Get<JsonBody>() is { } body
            && context.Features.Get<IExceptionHandlerFeature>()?.Endpoint?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType is { } type
                ? JsonBodyErrors.Find(body.Bytes.Span, json.Value.SerializerOptions.GetTypeInfo(type), context.RequestServices)
                : null;
    }

    [GeneratedRegex("""^(Failed to bind|(?<missing>Required)) parameter "[^"]*?(?<name>\w+)" (from "|was not provided from (?!body))""")]
    private static partial Regex Parameter();

    [LoggerMessage(EventId = 1001, Level = LogLevel.Error, Message = "Unhandled exception in a {Method} request")]
    private static partial void Unhandled(ILogger logger, string method, Exception exception);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning, Message = "A server is unavailable; returned 503")]
    private static partial void Unavailable(ILogger logger, Exception exception);
}
