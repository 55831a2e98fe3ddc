using Kashif.Security;
using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>The document's introduction: the rules for all operations.</summary>
internal static class Guide
{
    /// <summary>Relative to the origin of the documentation page, which is the gateway's public URL.</summary>
    private static readonly Uri TokenPath = new("/api/v1/auth/token", UriKind.Relative);

    private static readonly string Text = $"""
        Clients send all requests to the gateway. Amounts of points are whole numbers, instants are UTC as in RFC 3339, ids are UUIDs or whole numbers.

        ## Access

        Send an access token (`Authorization: Bearer …`) or an API key (`X-Api-Key: …`). Each operation says who may call it: in its description, and
        for programs in `security`, in `x-roles` (a user needs one of these roles) and in `x-api-key-scope` (the scope that an API key needs).

        | role | for |
        |---|---|
        | `{Roles.Citizen}` | everyone who registers: report, collect points, redeem coupons |
        | `{Roles.Partner}` | local companies: manage their own coupons and accept codes |
        | `{Roles.Staff}` | city employees: change the status of reports |
        | `{Roles.Counter}` | customer service: make accounts for people who report by phone or at the counter, and file in their name |
        | `{Roles.Moderator}` | may do what staff may; approve and reject display names |
        | `{Roles.Admin}` | may do what staff may; manages users, coupons and keys |

        An API key acts for its owner. It may only do what its scopes name, one for reading (GET) and one for writing (all other methods) in each service:
        {string.Join(", ", Scopes.All.Select(scope => $"`{scope}`"))}. API keys change nothing in `auth`.

        ## Errors

        Every error is `application/problem+json` (RFC 9457) with a stable `code` for programs. An invalid token or API key is a 401 `unauthorized` on public
        operations too, except to sign in, refresh and register. After a 429 or a 503, wait for the seconds in `Retry-After`. A 500 `internal_error` is a bug.

        ## Lists

        A list returns a page: `items`, and `next_cursor` for the next page, which is null on the last one. Send it back as `cursor`, with the same filters.
        `limit` is the size of a page: a value out of its range is a 400 that names `limit`. There is no `page`, no `offset` and no total count: a cursor
        neither skips nor repeats rows while others are added.

        Unknown query parameters, headers and fields of a body are ignored. A field that occurs twice is a 400.

        ## Retries

        Where an operation has the header `Idempotency-Key`, a retry with the same key and body returns the first response, for 7 days.

        ## The envelope

        With the header `Prefer: envelope` every JSON response has the form `success`, `data`, `error`, `message`, `meta`. The schemas here describe
        responses without it.
        """;

    public static Task DescribeAsync(OpenApiDocument document, string service)
    {
        document.Info.Title = $"Kashif {service}";
        document.Info.Version = "v1";
        document.Info.Description = Text;
        document.Servers = [new OpenApiServer { Url = "/", Description = "The gateway that serves this document." }];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Access.Password] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.OAuth2,
                Description = "Sign in with e-mail address and password. Leave client_id and client_secret empty.",
                Flows = new OpenApiOAuthFlows { Password = new OpenApiOAuthFlow { TokenUrl = TokenPath, Scopes = new Dictionary<string, string>() } },
            },
            [Access.Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = Access.Bearer,
                BearerFormat = "JWT",
                Description = $"An access token from POST {TokenPath}.",
            },
            [Access.ApiKey] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = "X-Api-Key",
                Description = "A key from POST /api/v1/auth/api-keys. Each operation names the scope that the key needs.",
            },
        };

        // Replaced by Problem and InvalidRequest.
        foreach (var unused in new[] { "ProblemDetails", "HttpValidationProblemDetails" })
        {
            document.Components.Schemas?.Remove(unused);
        }

        return Task.CompletedTask;
    }
}
