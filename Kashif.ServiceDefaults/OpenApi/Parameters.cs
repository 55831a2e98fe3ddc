using System.Text.Json.Nodes;
using Kashif.Http;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>Describes the parameters of an operation, and adds the request headers that it understands.</summary>
internal static class Parameters
{
    public static Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var described in context.Description.ParameterDescriptions)
        {
            if (described.ParameterDescriptor is IParameterInfoParameterDescriptor { ParameterInfo: { Name: { } name } info }
                && operation.Parameters?.FirstOrDefault(parameter => parameter.Name == described.Name) is OpenApiParameter { Schema: { } schema } documented
                && XmlComments.Of(info.Member, name) is { } comment)
            {
                documented.Description = comment.Text;
                documented.Example = comment.Example is { } example ? Fields.Example(schema, example) : null;
            }
        }

        foreach (var header in context.Description.ActionDescriptor.EndpointMetadata.OfType<RequestHeader>())
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = header.Name,
                In = ParameterLocation.Header,
                Description = header.Description,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = header.MaxLength },
                Example = JsonValue.Create(header.Example),
            });
        }

        return Task.CompletedTask;
    }
}
