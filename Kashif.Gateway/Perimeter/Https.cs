using Kashif.Gateway.Health;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Extensions;

namespace Kashif.Gateway.Perimeter;

/// <summary>TLS ends here where Kestrel is given an https address and a certificate (docs/gateway.md); then plain http is only a way to get there.</summary>
internal static class Https
{
    /// <summary>The public port, where it is not the one that the gateway listens on.</summary>
    private const string PortSetting = "Https_Port";
    private const int DefaultPort = 443;

    /// <summary>Sends clients from http to https, with method and body (308), as soon as the server has an https address.</summary>
    public static void UseHttpsRedirect(this WebApplication app)
    {
        var port = 0;
        app.Lifetime.ApplicationStarted.Register(() => port = PublicPort(app));
        app.Use((context, next) =>
        {
            var request = context.Request;
            if (port == 0 || request.IsHttps || Probes.IsAt(request.Path))
            {
                return next(context);
            }

            var host = port == DefaultPort ? new HostString(request.Host.Host) : new HostString(request.Host.Host, port);
            context.Response.Redirect(UriHelper.BuildAbsolute("https", host, request.PathBase, request.Path, request.QueryString), permanent: true, preserveMethod: true);
            return Task.CompletedTask;
        });
    }

    /// <returns>0 where there is none.</returns>
    private static int PublicPort(WebApplication app)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var https = addresses.Select(BindingAddress.Parse).FirstOrDefault(address => address.Scheme == Uri.UriSchemeHttps);
        return https is null ? 0 : app.Configuration.GetValue(PortSetting, https.Port);
    }
}
