using Kashif.Gateway.Health;

namespace Kashif.Gateway.Perimeter;

/// <summary>Redirects http to https with 308, which keeps method and body, if the server has an https address (docs/gateway.md).</summary>
internal static class HttpsRedirect
{
    public static IServiceCollection AddHttpsRedirect(this IServiceCollection services) =>
        services.AddHttpsRedirection(options => options.RedirectStatusCode = StatusCodes.Status308PermanentRedirect);

    /// <summary>Probes stay on http.</summary>
    public static void UseHttpsRedirect(this WebApplication app) =>
        app.UseWhen(context => !Probes.IsAt(context.Request.Path), branch => branch.UseHttpsRedirection());
}
