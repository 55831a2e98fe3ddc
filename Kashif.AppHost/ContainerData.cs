using System.Globalization;
using Kashif.NativeServers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kashif;

/// <summary>
/// The data volumes of containers. A kept volume belongs to one data directory and its secrets. A throw-away volume survives a
/// restart of its container and is removed when the AppHost stops.
/// </summary>
internal static partial class ContainerData
{
    // PostgreSQL's SQLSTATE and AMQP's reply for a wrong password.
    private static readonly string[] Refusals = ["28P01", "ACCESS_REFUSED"];

    /// <returns>The name of a resource's volume. Null in publish mode, which uses Aspire's names.</returns>
    public static string? VolumeOf(this IDistributedApplicationBuilder builder, string resource) =>
        builder.ExecutionContext.IsRunMode ? $"{RunData.For(builder).VolumePrefix}{resource}" : null;

    /// <summary>Removes throw-away volumes, and logs an error if the password of a kept volume is wrong. Call once.</summary>
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

        builder.Configuration["DcpPublisher:WaitForResourceCleanup"] = "true"; // a volume in use cannot be removed
        builder.Services.AddHostedService(_ => new ThrowAwayVolumes(
            new Lazy<string?>(() => ServerSource.FindEngine(builder.Configuration)), RunData.For(builder).VolumePrefix));
    }

    /// <summary>The images of PostgreSQL and RabbitMQ set the password only in a new volume.</summary>
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
            // The AppHost is stopping.
        }
    }

    [LoggerMessage(1, LogLevel.Error, "{Resource} refuses its password: the volume {Volume} was created with another password. "
        + "Set Parameters__{Resource}-password to the old password, or remove the volume and its data.")]
    private static partial void WrongPassword(ILogger logger, string resource, string volume);

    private sealed class ThrowAwayVolumes(Lazy<string?> engine, string prefix) : IHostedLifecycleService
    {
        /// <summary>Removes the volumes of killed runs. Their names contain the process id.</summary>
        public Task StartingAsync(CancellationToken cancellationToken) => RemoveAsync(volume =>
            volume.Split('-') is ["kashif", "run", var id, ..] && int.TryParse(id, CultureInfo.InvariantCulture, out var process) && !IsAlive(process));

        /// <summary>The last step of a shutdown, after DCP has removed the containers.</summary>
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
