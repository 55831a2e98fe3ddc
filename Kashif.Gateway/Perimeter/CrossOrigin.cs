using System.ComponentModel.DataAnnotations;
using Kashif.Gateway.Routing;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Perimeter;

/// <summary>Section <c>Cors</c>: the origins whose pages may call the API from a browser.</summary>
internal sealed class CrossOriginOptions : IValidatableObject
{
    public const string Section = "Cors";
    internal const string Any = "*";

    /// <summary>Origins such as <c>https://kashif.example</c>, or <c>*</c> for all. None by default.</summary>
    public string[] Origins { get; set; } = [];

    /// <summary>Whether browsers may send cookies and other credentials. The API needs none: tokens are in a header.</summary>
    public bool Credentials { get; set; }

    /// <summary>How long a browser may cache a preflight response.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00", ErrorMessage = "Cors:MaxAge must be between 0 and one day, such as 00:10:00.")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(10);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Credentials && Origins.Contains(Any))
        {
            yield return new ValidationResult("Cors:Origins contains '*' and Cors:Credentials is true, so any page could act as its visitor. List the origins.");
        }

        foreach (var origin in Origins.Where(origin => origin != Any && !IsOrigin(origin)))
        {
            yield return new ValidationResult($"Cors:Origins contains '{origin}', which is not an origin such as https://kashif.example (no path, no trailing slash).");
        }
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == text;
}

internal static class CrossOrigin
{
    private static readonly string[] Exposed =
    [
        "Location", "ETag", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy",
        "X-Correlation-Id", "Idempotency-Replayed", "Deprecation", "Sunset", "Link", "Age",
        "Content-Disposition", "WWW-Authenticate", "Preference-Applied",
    ];

    public static IServiceCollection AddCrossOrigin(this IServiceCollection services)
    {
        services.AddOptions<CrossOriginOptions>().BindConfiguration(CrossOriginOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<CrossOriginOptions>>((cors, options) => cors.AddDefaultPolicy(policy =>
        {
            policy.WithOrigins(options.Value.Origins).AllowAnyMethod().AllowAnyHeader().WithExposedHeaders(Exposed).SetPreflightMaxAge(options.Value.MaxAge);
            if (options.Value.Credentials)
            {
                policy.AllowCredentials();
            }
        }));
        return services;
    }

    /// <summary>After routing and before the rate limits, so that preflights do not count.</summary>
    public static void UseCrossOrigin(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            if ((HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
                && context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config.Metadata?.ContainsKey(Routes.Open311) == true)
            {
                context.Response.OnStarting(AllowAny, context.Response);
            }

            return next(context);
        });

        if (app.Services.GetRequiredService<IOptions<CrossOriginOptions>>().Value.Origins.Length > 0)
        {
            app.Use((context, next) =>
            {
                // Responses differ by origin, so caches must not mix them up.
                context.Response.OnStarting(AddVary, context.Response);
                return next(context);
            });
            app.UseCors();
        }
    }

    /// <summary>Open311 is public data, for maps on any page.</summary>
    private static Task AllowAny(object response)
    {
        var headers = ((HttpResponse)response).Headers;
        if (headers.AccessControlAllowOrigin.Count == 0)
        {
            headers.AccessControlAllowOrigin = CrossOriginOptions.Any;
        }

        return Task.CompletedTask;
    }

    private static Task AddVary(object response)
    {
        var headers = ((HttpResponse)response).Headers;
        if (!headers.GetCommaSeparatedValues("Vary").Contains("Origin"))
        {
            headers.Append("Vary", "Origin"); // The CORS middleware adds it only if it allows one of several origins.
        }

        return Task.CompletedTask;
    }
}
