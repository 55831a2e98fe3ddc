using System.Text;
using Kashif.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>The service's OpenAPI document, at <c>/openapi/v1.json</c>.</summary>
/// <remarks>
/// Everything in it comes from the code: who may call from the authorization policies, refusals from the endpoint's metadata and
/// <see cref="ProblemCodes"/>, descriptions and examples from XML comments, limits from validation attributes.
/// </remarks>
internal static class OpenApiExtensions
{
    private const string Version = "v1";

    public static IServiceCollection AddKashifOpenApi(this IServiceCollection services, string service) =>
        services.AddOpenApi(Version, options =>
        {
            options.CreateSchemaReferenceId = Fields.ComponentName;
            options.AddSchemaTransformer(Fields.DescribeAsync);
            options.AddOperationTransformer(NameAsync);
            options.AddOperationTransformer(Access.DescribeAsync);
            options.AddOperationTransformer(Parameters.DescribeAsync);
            options.AddOperationTransformer(Problems.DescribeAsync);
            options.AddDocumentTransformer((document, _, _) => Guide.DescribeAsync(document, service));
            options.AddDocumentTransformer((document, _, _) => Tags.DescribeAsync(document));
            options.AddDocumentTransformer(Examples.AddAsync);
        });

    /// <summary>Builds the document at the first request and keeps it: it is the same for all.</summary>
    public static void MapKashifOpenApi(this IEndpointRouteBuilder endpoints)
    {
        var gate = new Lock();
        Task<byte[]>? document = null;
        endpoints.MapGet($"/openapi/{Version}.json", async () => TypedResults.Bytes(await GetAsync(), "application/json;charset=utf-8"))
            .ExcludeFromDescription().AllowAnonymous();

        Task<byte[]> GetAsync()
        {
            lock (gate)
            {
                return document is null or { IsFaulted: true } ? document = BuildAsync(endpoints.ServiceProvider) : document;
            }
        }
    }

    private static async Task<byte[]> BuildAsync(IServiceProvider services)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Version).GetOpenApiDocumentAsync();
        return Encoding.UTF8.GetBytes(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1));
    }

    /// <summary><c>createReport</c> from the endpoint name <c>CreateReport</c>.</summary>
    private static Task NameAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var name = context.Description.ActionDescriptor.EndpointMetadata.OfType<IEndpointNameMetadata>().LastOrDefault()?.EndpointName;
        operation.OperationId = name is [var first, ..] ? $"{char.ToLowerInvariant(first)}{name[1..]}" : null;
        return Task.CompletedTask;
    }
}
