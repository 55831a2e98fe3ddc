using System.Reflection;
using System.Security.Claims;
using System.Text.Json.Nodes;
using Kashif.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>Who may call an operation, from its authorization policies.</summary>
/// <param name="Roles">The caller needs one of them; empty if any signed-in user may call.</param>
/// <param name="Scope">The scope that an API key needs; null if API keys are refused.</param>
internal sealed record Access(IReadOnlyList<string> Roles, string? Scope)
{
    public const string Bearer = "bearer";
    public const string ApiKey = "api_key";
    public const string Password = "password";

    /// <returns>Null if the operation needs no token.</returns>
    public static async Task<Access?> OfAsync(OpenApiOperationTransformerContext context)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<IAllowAnonymous>().Any())
        {
            return null;
        }

        var policies = context.ApplicationServices.GetRequiredService<IAuthorizationPolicyProvider>();
        var policy = await AuthorizationPolicy.CombineAsync(policies, metadata.OfType<IAuthorizeData>()) ?? await policies.GetDefaultPolicyAsync();
        var roles = policy.Requirements.OfType<RolesAuthorizationRequirement>().SelectMany(requirement => requirement.AllowedRoles).Distinct();
        var needsSession = policy.Requirements.OfType<ClaimsAuthorizationRequirement>().Any(requirement => requirement.ClaimType == KashifClaims.Session);
        var scope = Scopes.Needed(context.ApplicationServices.GetRequiredService<ServiceIdentity>().Name, context.Description.HttpMethod ?? "");
        return new Access([.. roles], needsSession || !Scopes.All.Contains(scope) ? null : scope);
    }

    public static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var access = await OfAsync(context);
        var usesCaller = context.Description.ActionDescriptor.EndpointMetadata.OfType<MethodInfo>()
            .Any(handler => handler.GetParameters().Any(parameter => parameter.ParameterType == typeof(ClaimsPrincipal)));
        operation.Description = $"{operation.Description}\n\n**Who may call:** {access switch
        {
            null when usesCaller => "anyone; a token is needed only where a parameter says so.",
            null => "anyone, without a token.",
            { Roles: [] } => $"any signed-in user; {access.ApiKeys}.",
            _ => $"users with the role {string.Join(" or ", access.Roles.Select(role => $"`{role}`"))}; {access.ApiKeys}.",
        }}".Trim();
        if (access is null && !usesCaller)
        {
            return;
        }

        operation.Security =
        [
            .. access is null ? [[]] : Array.Empty<OpenApiSecurityRequirement>(),
            Requirement(Password, context.Document),
            Requirement(Bearer, context.Document),
            .. access is { Scope: null } ? [] : new[] { Requirement(ApiKey, context.Document) },
        ];
        operation.Extensions ??= new Dictionary<string, IOpenApiExtension>();
        if (access?.Roles is { Count: > 0 } roles)
        {
            operation.Extensions["x-roles"] = new JsonNodeExtension(new JsonArray([.. roles.Select(role => JsonValue.Create(role))]));
        }

        if (access?.Scope is { } scope)
        {
            operation.Extensions["x-api-key-scope"] = new JsonNodeExtension(scope);
        }
    }

    private string ApiKeys => Scope is null ? "API keys are refused" : $"an API key needs the scope `{Scope}`";

    private static OpenApiSecurityRequirement Requirement(string scheme, OpenApiDocument? document) =>
        new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };
}
