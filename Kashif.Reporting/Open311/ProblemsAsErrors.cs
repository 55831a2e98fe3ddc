using Microsoft.AspNetCore.WebUtilities;

namespace Kashif.Reporting.Open311;

/// <summary>
/// Writes the problems of the framework and of the shared middleware (unknown paths, bodies that are too large, a used idempotency key,
/// a database that is down) as Open311 errors, for paths of Open311.
/// </summary>
internal sealed class ProblemsAsErrors : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => context.HttpContext.Request.Path.StartsWithSegments(Open311Endpoints.Prefix);

    public ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        var status = problem.Status ?? context.HttpContext.Response.StatusCode;
        Fault[] faults = problem is HttpValidationProblemDetails { Errors.Count: > 0 } invalid
            ? [.. invalid.Errors.SelectMany(field => field.Value, (field, message) => new Fault(status, $"{field.Key}: {message}"))]
            : [new Fault(status, problem.Detail ?? ReasonPhrases.GetReasonPhrase(status))];
        if (status is StatusCodes.Status503ServiceUnavailable && context.HttpContext.Response.Headers.RetryAfter.Count == 0)
        {
            context.HttpContext.Response.Headers.RetryAfter = "1";
        }

        return new ValueTask(faults.ToAnswer(Parameters.FormatOf(context.HttpContext)).ExecuteAsync(context.HttpContext));
    }
}
