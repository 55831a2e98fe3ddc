using System.Globalization;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Routing;

/// <summary>Serves <c>/api/{area}</c> as an alias of the area's first version, with deprecation headers on every response.</summary>
internal static class Alias
{
    private const string Prefix = "/api";

    public static IServiceCollection AddAlias(this IServiceCollection services)
    {
        services.AddOptions<AliasOptions>().BindConfiguration(AliasOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services;
    }

    /// <summary>Before all middleware that writes responses, so that errors, rate limits and the cache have the headers too.</summary>
    public static void UseAlias(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<AliasOptions>>().Value;
        var deprecation = string.Create(CultureInfo.InvariantCulture, $"@{options.DeprecatedAt.ToUnixTimeSeconds()}");
        var sunset = options.SunsetAt.ToString("R", CultureInfo.InvariantCulture);
        app.Use((context, next) =>
        {
            if (Canonical(context.Request.Path) is { HasValue: true } successor)
            {
                context.Response.OnStarting(() =>
                {
                    var headers = context.Response.Headers;
                    var link = $"<{successor.ToUriComponent()}>; rel=\"successor-version\"";
                    headers["Deprecation"] = deprecation;
                    headers["Sunset"] = sunset;
                    if (!headers.Link.Contains(link))
                    {
                        headers.Append("Link", link);
                    }

                    return Task.CompletedTask;
                });
            }

            return next(context);
        });
    }

    /// <returns>The canonical path; empty if the path is not an alias.</returns>
    public static PathString Canonical(PathString path)
    {
        if (!path.StartsWithSegments(Prefix, out var rest) || rest.Value is not ['/', .. var below])
        {
            return default;
        }

        var slash = below.IndexOf('/', StringComparison.Ordinal);
        var name = slash < 0 ? below : below[..slash];
        return Area.All.FirstOrDefault(area => string.Equals(area.Name, name, StringComparison.OrdinalIgnoreCase)) is { } area
            ? new PathString($"{Prefix}/{area.Versions[0]}").Add(rest)
            : default;
    }
}
