using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kashif.Shutdown;

/// <summary>
/// The time between SIGTERM and the end of the process. First the process serves on for <see cref="ShutdownOptions.Delay"/>, but is not
/// ready, and closes each connection after its response. Then the server accepts nothing more and ends what is in progress.
/// </summary>
public sealed partial class Draining(
    IHostApplicationLifetime lifetime, IHostEnvironment environment, TimeProvider time, IOptions<ShutdownOptions> options, ILogger<Draining> logger)
    : IHostedLifecycleService, IStartupFilter
{
    /// <summary>In a response of a process that drains, for the gateway.</summary>
    public const string Header = "Kashif-Draining";

    private static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(5);

    /// <summary>Whether the process ends.</summary>
    public bool IsOn => lifetime.ApplicationStopping.IsCancellationRequested;

    private TimeSpan Delay => DelayOf(options.Value, environment);

    internal static TimeSpan DelayOf(ShutdownOptions options, IHostEnvironment environment) =>
        options.Delay ?? (environment.IsDevelopment() ? TimeSpan.Zero : DefaultDelay);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before the server and the workers stop.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        lifetime.StopApplication();
        Stops(logger, Delay, options.Value.Timeout);
        await Task.Delay(Delay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(MarkAsync);
        next(app);
    };

    private Task MarkAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(Mark, context);
        return next(context);
    }

    private Task Mark(object state)
    {
        if (IsOn)
        {
            var context = (HttpContext)state;
            context.Response.Headers[Header] = "1";
            if (HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                context.Response.Headers.Connection = "close";
            }
        }

        return Task.CompletedTask;
    }

    [LoggerMessage(EventId = 1701, Level = LogLevel.Information, Message = "Stopping: serving for {Delay} more, then ending what is in progress within {Timeout}")]
    private static partial void Stops(ILogger logger, TimeSpan delay, TimeSpan timeout);
}

internal static class ShutdownExtensions
{
    public static IHostApplicationBuilder AddKashifShutdown(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ShutdownOptions>().BindConfiguration(ShutdownOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<ShutdownOptions>, IHostEnvironment>((host, shutdown, environment) =>
            host.ShutdownTimeout = Draining.DelayOf(shutdown.Value, environment) + shutdown.Value.Timeout);
        services.AddSingleton<Draining>();
        services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<Draining>());
        services.AddHostedService(provider => provider.GetRequiredService<Draining>());
        return builder;
    }
}
