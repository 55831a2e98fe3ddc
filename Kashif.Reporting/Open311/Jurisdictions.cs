using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Open311;

/// <summary>Checks <c>jurisdiction_id</c>. A POST has read its form before.</summary>
internal sealed class Jurisdictions(IOptions<Open311Options> options) : IEndpointFilter
{
    public const string Parameter = "jurisdiction_id";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var format = Parameters.FormatOf(http);
        var caller = http.Features.Get<Caller>();
        var parameters = caller?.Parameters ?? new Parameters(format, http.Request.Query);
        var served = options.Value.Jurisdictions;
        return parameters.Text(Parameter) switch
        {
            null when served.Length > 1 => Fault.Missing(Parameter).ToAnswer(format),
            { } id when served.Length > 0 && !served.Contains(id, StringComparer.OrdinalIgnoreCase) => Fault.NotFound($"{Parameter} not found").ToAnswer(format),
            { } id when caller is { Jurisdiction: { } only } && !id.Equals(only, StringComparison.OrdinalIgnoreCase) =>
                new Fault(StatusCodes.Status403Forbidden, $"This api_key is for the jurisdiction {only} only").ToAnswer(format),
            _ => await next(context),
        };
    }
}
