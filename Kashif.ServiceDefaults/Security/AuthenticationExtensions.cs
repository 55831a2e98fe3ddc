using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>Who calls, and what they may do.</summary>
public static class AuthenticationExtensions
{
    /// <summary>
    /// Validates Auth's access tokens by its published keys, and closes every endpoint that does not say otherwise: the
    /// default and the fallback policy both require a signed-in person.
    /// </summary>
    public static IHostApplicationBuilder AddKashifAuthentication(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddHttpClient(AuthKeys.Client);
        services.TryAddSingleton<SigningKeys, AuthKeys>();
        services.TryAddSingleton<ValidatedTokens>();

        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKeys, ValidatedTokens>((options, keys, validated) =>
            {
                options.ConfigurationManager = keys;
                options.MapInboundClaims = false;
                options.TokenValidationParameters = new TokenValidationParameters
                {
                    ValidAudience = KashifClaims.Audience,
                    NameClaimType = KashifClaims.Subject,
                    RoleClaimType = KashifClaims.Role,
                    ClockSkew = TimeSpan.FromSeconds(10),
                };
                options.Events = new JwtBearerEvents
                {
                    OnMessageReceived = validated.OnMessageReceived,
                    OnTokenValidated = validated.OnTokenValidated,
                };
            });

        services.AddAuthorizationBuilder()
            .SetDefaultPolicy(Person().Build())
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAssertion(IsPersonOrNoEndpoint).Build())
            .AddPolicy(Policies.Staff, Person().RequireRole(Roles.Staff, Roles.Moderator, Roles.Admin).Build())
            .AddPolicy(Policies.Admin, Person().RequireRole(Roles.Admin).Build())
            .AddPolicy(Policies.Session, Person().RequireClaim(KashifClaims.Session).Build())
            .AddPolicy(Policies.Service, policy => policy.RequireAuthenticatedUser().RequireRole(Roles.Service));
        return builder;
    }

    private static AuthorizationPolicyBuilder Person() => new AuthorizationPolicyBuilder().RequireAuthenticatedUser().RequireAssertion(IsPerson).RequireAssertion(Scopes.Allow);

    private static bool IsPerson(AuthorizationHandlerContext context) => context.User is { Identity.IsAuthenticated: true, UserIdOrNull: not null };

    /// <summary>Where routing found nothing, or only what answers 405 or 415, that is the answer: there is nothing to protect.</summary>
    private static bool IsPersonOrNoEndpoint(AuthorizationHandlerContext context) =>
        (IsPerson(context) && Scopes.Allow(context)) || (context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint);
}
