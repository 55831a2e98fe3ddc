using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kashif;

/// <summary>Writes the log of each resource to a file.</summary>
internal static class RunLogs
{
    /// <summary>Writes to the directory in the setting <c>LogDirectory</c>, set by <c>./kashif run</c>. Does nothing without it.</summary>
    public static void KeepLogs(this IDistributedApplicationBuilder builder)
    {
        if (builder.Configuration["LogDirectory"] is not { Length: > 0 } directory)
        {
            return;
        }

        builder.OnBeforeStart((start, cancellationToken) =>
        {
            Directory.CreateDirectory(directory);
            var logs = start.Services.GetRequiredService<ResourceLoggerService>();
            var stopped = start.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped;
            foreach (var resource in start.Model.Resources.Where(resource => resource is IResourceWithEndpoints))
            {
                _ = CopyAsync(logs, resource, Path.Combine(directory, $"{resource.Name}.log"), stopped);
            }

            return Task.CompletedTask;
        });
    }

    private static async Task CopyAsync(ResourceLoggerService logs, IResource resource, string path, CancellationToken cancellationToken)
    {
        await using var file = new StreamWriter(path, append: true);
        try
        {
            await foreach (var batch in logs.WatchAsync(resource).WithCancellation(cancellationToken))
            {
                foreach (var line in batch)
                {
                    await file.WriteLineAsync(line.Content);
                }

                await file.FlushAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The AppHost is stopping.
        }
    }
}
