using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.NativeServers;

/// <summary>Chooses the PostgreSQL, RabbitMQ and Redis to use: by connection string, else as containers, else as local processes.</summary>
internal static class ServerSource
{
    /// <summary>Overrides the choice: true for containers, false for native servers.</summary>
    private const string Setting = "Containers";

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPull = TimeSpan.FromMinutes(5);

    extension(IDistributedApplicationBuilder builder)
    {
        /// <summary>Whether <see cref="ChooseServers"/> chose native servers.</summary>
        public bool RunsNativeServers => builder.ExecutionContext.IsRunMode && !builder.Configuration.GetValue(Setting, defaultValue: true);

        /// <summary>Chooses between containers and native servers, and logs the choice. Call once.</summary>
        /// <param name="images">The images of the servers. If one cannot be pulled, native servers are chosen.</param>
        public void ChooseServers(params string[] images)
        {
            if (!builder.ExecutionContext.IsRunMode)
            {
                return;
            }

            var reason = $"the setting {Setting}";
            if (builder.Configuration[Setting] is not { Length: > 0 } given)
            {
                (var containers, reason) = Find(builder.Configuration, images);
                builder.Configuration[Setting] = containers.ToString();
            }
            else if (!bool.TryParse(given, out _))
            {
                throw new DistributedApplicationException(
                    $"{Setting} is '{given}'. Set it to true for containers or false for native servers, or remove it.");
            }

            if (!builder.RunsNativeServers)
            {
                builder.WatchContainerData();
            }

            var source = builder.RunsNativeServers ? "native servers" : "containers";
            builder.OnBeforeStart((start, _) =>
            {
                start.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Kashif.Servers")
                    .LogInformation("PostgreSQL, RabbitMQ and Redis run as {Source} ({Reason}).", source, reason);
                return Task.CompletedTask;
            });
        }

        /// <returns>The external server, or null if its connection string (<c>ConnectionStrings__messaging=…</c>) is not set.</returns>
        public IResourceBuilder<IResourceWithConnectionString>? External(string name) => builder.Configuration.GetConnectionString(name) switch
        {
            null or "" => null,
            _ when builder.ExecutionContext.IsPublishMode => builder.AddConnectionString(name),
            // Not AddConnectionString(name): that is a parameter, which has no state or health.
            var given => builder.AddConnectionString(name, ReferenceExpression.Create($"{builder.AddParameter($"{name}-connection-string", given, secret: true)}")),
        };
    }

    /// <returns>The container engine that Aspire uses, or null if none responds.</returns>
    public static string? FindEngine(IConfiguration configuration)
    {
        string[] engines = configuration["ASPIRE_CONTAINER_RUNTIME"] is { Length: > 0 } chosen ? [chosen] : ["docker", "podman"];
        return engines.FirstOrDefault(engine => Succeeds(engine, "info"));
    }

    /// <returns>The program's output, or null if it failed or timed out.</returns>
    public static string? Run(string program, params string[] arguments) => Run(LongestAnswer, program, arguments);

    private static (bool Containers, string Reason) Find(IConfiguration configuration, string[] images)
    {
        if (FindEngine(configuration) is not { } engine)
        {
            return (false, "no container engine responds");
        }

        var missing = images.Where(image => !Succeeds(engine, "image", "inspect", image)).ToArray();
        foreach (var image in missing)
        {
            Console.Error.WriteLine($"Pulling {image} with {engine}…");
        }

        return missing.All(image => Run(LongestPull, engine, "pull", image) is not null)
            ? (true, $"{engine} responds")
            : (false, $"{engine} responds, but not all images can be pulled; {Setting}=true forces containers");
    }

    private static bool Succeeds(string program, params string[] arguments) => Run(program, arguments) is not null;

    private static string? Run(TimeSpan longest, string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
                ?? throw new InvalidOperationException($"{program} did not start.");
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var output = process.StandardOutput.ReadToEndAsync();
            if (process.WaitForExit(longest))
            {
                return process.ExitCode == 0 && output.Wait(longest) ? output.Result : null;
            }

            process.Kill(entireProcessTree: true);
            return null;
        }
        catch (Win32Exception)
        {
            return null; // not installed
        }
    }
}
