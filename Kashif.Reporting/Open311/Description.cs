using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kashif.Reporting.Open311;

/// <summary>
/// Adds the operations of Open311 to the service's OpenAPI document, from <c>openapi.json</c>: the specification, not our types, says what they are, and their
/// errors are no problems.
/// </summary>
internal static class Description
{
    private const string Resource = "open311-openapi.json";

    public static Task AddAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(typeof(Description).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"{Resource} is not embedded."));
        var open311 = OpenApiDocument.Parse(reader.ReadToEnd(), OpenApiConstants.Json).Document ?? throw new InvalidOperationException($"{Resource} is no OpenAPI document.");
        foreach (var (path, item) in open311.Paths)
        {
            document.Paths[path] = item;
        }

        foreach (var (name, schema) in open311.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>())
        {
            document.AddComponent(name, schema);
        }

        foreach (var (name, response) in open311.Components?.Responses ?? new Dictionary<string, IOpenApiResponse>())
        {
            document.AddComponent(name, response);
        }

        return Task.CompletedTask;
    }
}
