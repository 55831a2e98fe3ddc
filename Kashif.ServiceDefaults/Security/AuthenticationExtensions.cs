using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>Authentication and authorization policies.</summary>
public static class AuthenticationExtensions
{
    /// <summary>
    /// Validates Auth's access tokens with its published keys. Closed by default: the default and the fallback policy both require a user.
    /// </summary>
    public static IHostApplicationBuilder AddKashifAuthentication(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddHttpClient(RemoteValidationKeys.Client);
        services.TryAddSingleton<TokenValidationKeys, RemoteValidationKeys>();
        services.TryAddSingleton<ValidatedTokens>();

        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<TokenValidationKeys, ValidatedTokens>((options, keys, validated) =>
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

        var authorization = services.AddAuthorizationBuilder()
            .SetDefaultPolicy(Person().Build())
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAssertion(IsPersonOrNoEndpoint).Build())
            .AddPolicy(Policies.Staff, Person().RequireRole(Roles.Staff, Roles.Moderator, Roles.Admin).Build())
            .AddPolicy(Policies.Moderator, Person().RequireRole(Roles.Moderator, Roles.Admin).Build())
            .AddPolicy(Policies.Admin, Person().RequireRole(Roles.Admin).Build())
            .AddPolicy(Policies.Partner, Person().RequireRole(Roles.Partner, Roles.Admin).Build())
            .AddPolicy(Policies.Counter, Person().RequireRole(Roles.Counter, Roles.Admin).Build())
            .AddPolicy(Policies.Session, Person().RequireClaim(KashifClaims.Session).Build());
        foreach (var scope in ServiceScopes.All)
        {
            authorization.AddPolicy(scope, policy => policy.RequireAuthenticatedUser().RequireRole(Roles.Service).RequireAssertion(context => context.User.HasScope(scope)));
        }

        return builder;
    }

    private static AuthorizationPolicyBuilder Person() => new AuthorizationPolicyBuilder().RequireAuthenticatedUser().RequireAssertion(IsPerson).RequireAssertion(Scopes.Allow);

    private static bool IsPerson(AuthorizationHandlerContext context) => context.User is { Identity.IsAuthenticated: true, UserIdOrNull: not null };

    /// <summary>Lets routing's own 404, 405 and 415 through: no <see cref="RouteEndpoint"/> matched.</summary>
    private static bool IsPersonOrNoEndpoint(AuthorizationHandlerContext context) =>
        (IsPerson(context) && Scopes.Allow(context)) || (context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint);
}
