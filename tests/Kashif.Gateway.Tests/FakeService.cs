using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kashif.Gateway.Tests;

/// <summary>A fake service behind the gateway: records requests and responds as the test configures.</summary>
internal sealed class FakeService : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private int _probes;

    private FakeService(WebApplication application, string name)
    {
        _application = application;
        Respond = context => context.Response.WriteAsync(name);
    }

    public string Address => _application.Urls.Single();

    /// <summary>The received requests, without health checks.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => [.. _requests];

    /// <summary>The body size limit.</summary>
    public long? MaxBody { get; set; }

    public string Health { get; set; } = "healthy";

    /// <summary>The checks of its health report.</summary>
    public object Checks { get; set; } = new { };

    /// <summary>The number of requests for its health.</summary>
    public int Probes => _probes;

    /// <summary>Health requests wait for this.</summary>
    public Task Ready { get; set; } = Task.CompletedTask;

    /// <summary>Writes the response to anything but <c>/health</c>; by default 200 with the name.</summary>
    public Func<HttpContext, Task> Respond { get; set; }

    public static async Task<FakeService> StartAsync(string name)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var service = new FakeService(builder.Build(), name);
        service._application.UseWebSockets();
        service._application.Run(service.HandleAsync);
        await service._application.StartAsync();
        return service;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>Stops the service at once, aborting its connections.</summary>
    public async Task KillAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
    }

    private async Task HandleAsync(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target == "/health")
        {
            Interlocked.Increment(ref _probes);
            await Ready;
            context.Response.StatusCode = Health == "unhealthy" ? 503 : 200;
            await context.Response.WriteAsJsonAsync(new { status = Health, checks = Checks });
            return;
        }

        if (target == "/alive")
        {
            context.Response.StatusCode = Health == "unhealthy" ? 503 : 200;
            return;
        }

        _requests.Enqueue(new ReceivedRequest(context.Request.Method, target, context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString())));
        if (context.Request.Headers["X-Correlation-Id"] is { Count: > 0 } id)
        {
            context.Response.Headers["X-Correlation-Id"] = id;
        }

        if (MaxBody is not null)
        {
            context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MaxBody;
        }

        await Respond(context);
    }

    /// <param name="Target">The raw path and query.</param>
    public sealed record ReceivedRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers);
}
