using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Kashif.Http;

/// <summary>The service's OpenAPI document, at <c>/openapi/v1.json</c>.</summary>
internal static class OpenApiExtensions
{
    private const string Bearer = "bearer";
    private const string ApiKey = "api_key";
    private const string Password = "password";

    /// <summary>Relative to the origin of the documentation page, which is the gateway's public URL.</summary>
    private static readonly Uri TokenPath = new("/api/v1/auth/token", UriKind.Relative);

    public static IServiceCollection AddKashifOpenApi(this IServiceCollection services, string service) =>
        services.AddOpenApi("v1", options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = $"Kashif {service}";
                document.Info.Version = "v1";
                document.Servers = []; // the default is the origin of the documentation page
                document.Components ??= new OpenApiComponents();
                document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
                {
                    [Password] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.OAuth2,
                        Description = "Sign in with e-mail address and password. Leave client_id and client_secret empty.",
                        Flows = new OpenApiOAuthFlows { Password = new OpenApiOAuthFlow { TokenUrl = TokenPath, Scopes = new Dictionary<string, string>() } },
                    },
                    [Bearer] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.Http,
                        Scheme = Bearer,
                        BearerFormat = "JWT",
                        Description = $"An access token from POST {TokenPath}.",
                    },
                    [ApiKey] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.ApiKey,
                        In = ParameterLocation.Header,
                        Name = "X-Api-Key",
                        Description = "An API key from POST /api/v1/auth/api-keys with a scope of this service.",
                    },
                };
                return Task.CompletedTask;
            });
            options.AddSchemaTransformer((schema, context, _) =>
            {
                // The schema exporter cannot know the type that a custom converter writes.
                var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
                if (schema.Type is null && (type == typeof(string) || type == typeof(DateTimeOffset)))
                {
                    schema.Type = JsonSchemaType.String | (context.JsonPropertyInfo?.IsGetNullable == true ? JsonSchemaType.Null : 0);
                    schema.Format = type == typeof(DateTimeOffset) ? "date-time" : null;
                }

                return Task.CompletedTask;
            });
            options.AddOperationTransformer((operation, context, _) =>
            {
                var metadata = context.Description.ActionDescriptor.EndpointMetadata;
                if (!metadata.OfType<IAllowAnonymous>().Any())
                {
                    operation.Security =
                    [
                        new() { [new OpenApiSecuritySchemeReference(Password, context.Document)] = [] },
                        new() { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] },
                        new() { [new OpenApiSecuritySchemeReference(ApiKey, context.Document)] = [] },
                    ];
                }

                foreach (var header in metadata.OfType<RequestHeader>())
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
            });
        });
}
