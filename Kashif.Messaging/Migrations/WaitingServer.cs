using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Kashif.Messaging.Migrations;

/// <summary>
/// Answers at the service's addresses while the service waits for its schema: <c>/alive</c> is healthy, so that an orchestrator does not
/// restart the process, and everything else is a 503.
/// </summary>
internal static class WaitingServer
{
    private const string Alive = """{"status":"healthy","duration_ms":0,"checks":{}}""";
    private const string Health = """{"status":"unhealthy","duration_ms":0,"checks":{"schema":{"status":"unhealthy","duration_ms":0}}}""";
    private const string Problem = """
        {"type":"urn:kashif:problem:unavailable","title":"Service Unavailable","status":503,"detail":"A required server is temporarily unavailable. Try again.","code":"unavailable"}
        """;

    /// <param name="configuration">The service's, with its addresses and certificates.</param>
    public static async Task<IAsyncDisposable> StartAsync(IConfiguration configuration, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddConfiguration(configuration);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .ConfigureKestrel((context, kestrel) => kestrel.Configure(context.Configuration.GetSection("Kestrel")));
        var server = builder.Build();
        server.Run(AnswerAsync);
        await server.StartAsync(cancellationToken);
        return server;
    }

    private static Task AnswerAsync(HttpContext context)
    {
        var (status, type, body) = context.Request.Path.Value switch
        {
            "/alive" => (StatusCodes.Status200OK, "application/json; charset=utf-8", Alive),
            "/health" or "/ready" => (StatusCodes.Status503ServiceUnavailable, "application/json; charset=utf-8", Health),
            _ => (StatusCodes.Status503ServiceUnavailable, "application/problem+json", Problem),
        };
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.RetryAfter = status is StatusCodes.Status503ServiceUnavailable ? "1" : default;
        return context.Response.WriteAsync(body, context.RequestAborted);
    }
}
