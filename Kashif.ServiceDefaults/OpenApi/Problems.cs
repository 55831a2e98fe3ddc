using System.Net.Mime;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>An error, as in RFC 9457.</summary>
/// <param name="Type" example="urn:kashif:problem:not_found">A URN that ends in the code.</param>
/// <param name="Title" example="Not Found">The HTTP status in words.</param>
/// <param name="Status" example="404">The HTTP status.</param>
/// <param name="Detail" example="Report not found.">What is wrong, for people. Its wording may change.</param>
/// <param name="Code" example="not_found">What is wrong, for programs. Stable.</param>
/// <param name="TraceId" example="0af7651916cd43dd8448eb211c80319c">The id of the request's trace, to quote in a bug report.</param>
internal record Problem(string Type, string Title, int Status, string Detail, string Code, string TraceId);

/// <summary>A request with invalid fields.</summary>
/// <param name="Errors" example='{"limit": ["Must be between 1 and 100."]}'>The messages of each invalid field, by its name. Absent if no field can be named.</param>
internal sealed record InvalidRequest(
    string Type, string Title, int Status, string Detail, string Code, string TraceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors = null)
    : Problem(Type, Title, Status, Detail, Code, TraceId);

/// <summary>Adds the error responses that the metadata of an operation implies, and its own <see cref="ProblemCodes"/>.</summary>
internal static class Problems
{
    public static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var refusals = Implied(operation, await Access.OfAsync(context), context.Description.RelativePath ?? "")
            .Concat(metadata.OfType<ProblemCodes>().SelectMany(problem => problem.Codes, (problem, code) => (problem.Status, code)))
            .Distinct().ToLookup(refusal => refusal.Status, refusal => refusal.Item2);

        operation.Responses ??= [];
        foreach (var refusal in refusals.OrderBy(refusal => refusal.Key))
        {
            string[] codes = [.. refusal];
            var response = await ResponseAsync(refusal.Key, codes, context, cancellationToken);
            operation.Responses[$"{refusal.Key}"] = codes is [var only] ? Shared(response, $"{only}_{refusal.Key}", context.Document) : response;
        }
    }

    /// <summary>Most operations have the same refusals: each is described once.</summary>
    private static OpenApiResponseReference Shared(OpenApiResponse response, string name, OpenApiDocument? document)
    {
        document?.AddComponent(name, response);
        return new OpenApiResponseReference(name, document);
    }

    private static IEnumerable<(int Status, string Code)> Implied(OpenApiOperation operation, Access? access, string path)
    {
        if (operation.RequestBody is not null || operation.Parameters?.Any(parameter => parameter.In is ParameterLocation.Query or ParameterLocation.Header) == true)
        {
            yield return Default(StatusCodes.Status400BadRequest);
        }

        if (access is not null)
        {
            yield return Default(StatusCodes.Status401Unauthorized);
            if (access.Scope is not null)
            {
                yield return (StatusCodes.Status403Forbidden, InsufficientScope.Code);
            }

            if (access.Roles is not [] || access.Scope is null)
            {
                yield return Default(StatusCodes.Status403Forbidden);
            }
        }

        if (path.Contains('{', StringComparison.Ordinal))
        {
            yield return Default(StatusCodes.Status404NotFound);
        }

        if (operation.RequestBody is not null)
        {
            yield return Default(StatusCodes.Status413PayloadTooLarge);
            yield return Default(StatusCodes.Status415UnsupportedMediaType);
        }

        // The gateway's own.
        yield return (StatusCodes.Status429TooManyRequests, "rate_limited");
        yield return Default(StatusCodes.Status503ServiceUnavailable);
        yield return Default(StatusCodes.Status504GatewayTimeout);
    }

    private static (int Status, string Code) Default(int status) => (status, ProblemExtensions.DefaultCode(status));

    private static async Task<OpenApiResponse> ResponseAsync(int status, string[] codes, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var type = status is StatusCodes.Status400BadRequest ? typeof(InvalidRequest) : typeof(Problem);
        var common = await context.GetOrCreateSchemaAsync(type, cancellationToken: cancellationToken);
        context.Document?.AddComponent(type.Name, common);
        var example = Examples.Of(common)?.AsObject() ?? [];
        (example["type"], example["title"], example["status"]) = ($"urn:kashif:problem:{codes[0]}", ReasonPhrases.GetReasonPhrase(status), status);
        (example["detail"], example["code"]) = ("What is wrong, in words.", codes[0]);
        return new OpenApiResponse
        {
            Description = $"{ReasonPhrases.GetReasonPhrase(status)}: {string.Join(", ", codes.Select(code => $"`{code}`"))}.",
            Headers = status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable
                ? new Dictionary<string, IOpenApiHeader>
                {
                    ["Retry-After"] = new OpenApiHeader
                    {
                        Description = "Seconds to wait before the next attempt.",
                        Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1" },
                        Example = JsonValue.Create(1),
                    },
                }
                : null,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [MediaTypeNames.Application.ProblemJson] = new()
                {
                    Schema = new OpenApiSchema
                    {
                        AllOf =
                        [
                            new OpenApiSchemaReference(type.Name, context.Document),
                            new OpenApiSchema
                            {
                                Type = JsonSchemaType.Object,
                                Required = new HashSet<string> { ProblemExtensions.Code },
                                Properties = new Dictionary<string, IOpenApiSchema>
                                {
                                    [ProblemExtensions.Code] = new OpenApiSchema
                                    {
                                        Type = JsonSchemaType.String,
                                        Description = "The codes of this operation.",
                                        Enum = [.. codes.Select(code => JsonValue.Create(code))],
                                    },
                                },
                            },
                        ],
                    },
                    Example = example,
                },
            },
        };
    }
}
