using System.Globalization;
using Kashif.NativeServers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kashif;

/// <summary>
/// The volumes of the containers' data. A kept volume belongs to one data directory and its secrets. A throw-away volume survives a
/// restart of its container and is removed when the AppHost stops.
/// </summary>
internal static partial class ContainerData
{
    // SQLSTATE of a wrong password, and AMQP's reply.
    private static readonly string[] Refusals = ["28P01", "ACCESS_REFUSED"];

    /// <returns>The name of a resource's volume; null while publishing, where Aspire's own names stay.</returns>
    public static string? VolumeOf(this IDistributedApplicationBuilder builder, string resource) =>
        builder.ExecutionContext.IsRunMode ? $"{RunData.For(builder).VolumePrefix}{resource}" : null;

    /// <summary>Once per run with containers: removes throw-away volumes, and reports a password that a kept volume does not accept.</summary>
    public static void WatchContainerData(this IDistributedApplicationBuilder builder)
    {
        if (!RunData.For(builder).IsThrownAway)
        {
            builder.OnBeforeStart((start, cancellationToken) =>
            {
                _ = ReportWrongPasswordsAsync(start.Services);
                return Task.CompletedTask;
            });
            return;
        }

        builder.Configuration["DcpPublisher:WaitForResourceCleanup"] = "true"; // a volume that a container uses cannot be removed
        builder.Services.AddHostedService(_ => new ThrowAwayVolumes(
            new Lazy<string?>(() => ServerSource.FindEngine(builder.Configuration)), RunData.For(builder).VolumePrefix));
    }

    /// <summary>The images of PostgreSQL and RabbitMQ set the password when the volume is new, and ignore a later one.</summary>
    private static async Task ReportWrongPasswordsAsync(IServiceProvider services)
    {
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Kashif.Servers");
        var reported = new HashSet<string>();
        try
        {
            await foreach (var change in services.GetRequiredService<ResourceNotificationService>().WatchAsync(services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped))
            {
                var volume = change.Resource.Annotations.OfType<ContainerMountAnnotation>().FirstOrDefault(mount => mount.Type == ContainerMountType.Volume)?.Source;
                var refused = change.Snapshot.HealthReports.Any(report => Refusals.Any(refusal => report.ExceptionText?.Contains(refusal, StringComparison.Ordinal) == true));
                if (refused && volume is not null && reported.Add(volume))
                {
                    WrongPassword(logger, change.Resource.Name, volume);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }

    [LoggerMessage(1, LogLevel.Error, "{Resource} refuses its password: the volume {Volume} was created with another one. Set Parameters__{Resource}-password to that one, or remove the volume and its data.")]
    private static partial void WrongPassword(ILogger logger, string resource, string volume);

    private sealed class ThrowAwayVolumes(Lazy<string?> engine, string prefix) : IHostedLifecycleService
    {
        /// <summary>A killed run leaves its volumes. Their names have its process id.</summary>
        public Task StartingAsync(CancellationToken cancellationToken) => RemoveAsync(volume =>
            volume.Split('-') is ["kashif", "run", var id, ..] && int.TryParse(id, CultureInfo.InvariantCulture, out var process) && !IsAlive(process));

        /// <summary>The last step of a stop: DCP has removed the containers.</summary>
        public Task StoppedAsync(CancellationToken cancellationToken) => RemoveAsync(volume => volume.StartsWith(prefix, StringComparison.Ordinal));

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private Task RemoveAsync(Func<string, bool> belongs) => Task.Run(() =>
        {
            if (engine.Value is { } program)
            {
                var volumes = ServerSource.Run(program, "volume", "ls", "--quiet", "--filter", "name=kashif-run-") ?? "";
                string[] removed = [.. volumes.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(belongs)];
                if (removed is not [])
                {
                    ServerSource.Run(program, ["volume", "rm", .. removed]);
                }
            }
        });

        private static bool IsAlive(int id)
        {
            try
            {
                using var process = System.Diagnostics.Process.GetProcessById(id);
                return true;
            }
            catch (ArgumentException)
            {
                return false;
            }
        }
    }
}
