using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.NativeServers;

/// <summary>Where PostgreSQL, RabbitMQ and Redis come from: connection strings, else containers, else processes of this machine.</summary>
internal static class ServerSource
{
    /// <summary>Overrides the choice: true is containers, false is native servers.</summary>
    private const string Setting = "Containers";

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPull = TimeSpan.FromMinutes(5);

    extension(IDistributedApplicationBuilder builder)
    {
        /// <summary>What <see cref="ChooseServers"/> chose.</summary>
        public bool RunsNativeServers => builder.ExecutionContext.IsRunMode && !builder.Configuration.GetValue(Setting, defaultValue: true);

        /// <summary>Decides between containers and native servers, once, and says so in one line of the log.</summary>
        /// <param name="images">The images of the three servers, which must be here or be pulled for containers to be chosen.</param>
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
                throw new DistributedApplicationException($"{Setting} is '{given}'. Set it to true for containers, to false for native servers, or leave it out.");
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

        /// <returns>An external server, where its connection string is configured (<c>ConnectionStrings__messaging=…</c>); else null.</returns>
        public IResourceBuilder<IResourceWithConnectionString>? External(string name) =>
            string.IsNullOrEmpty(builder.Configuration.GetConnectionString(name)) ? null : builder.AddConnectionString(name);
    }

    /// <returns>The engine that Aspire uses, or null where none answers.</returns>
    public static string? FindEngine(IConfiguration configuration)
    {
        string[] engines = configuration["ASPIRE_CONTAINER_RUNTIME"] is { Length: > 0 } chosen ? [chosen] : ["docker", "podman"];
        return engines.FirstOrDefault(engine => Succeeds(engine, "info"));
    }

    /// <returns>What the program printed, or null where it failed or took too long.</returns>
    public static string? Run(string program, params string[] arguments) => Run(LongestAnswer, program, arguments);

    private static (bool Containers, string Reason) Find(IConfiguration configuration, string[] images)
    {
        if (FindEngine(configuration) is not { } engine)
        {
            return (false, "no container engine answers");
        }

        var missing = images.Where(image => !Succeeds(engine, "image", "inspect", image)).ToArray();
        foreach (var image in missing)
        {
            Console.Error.WriteLine($"Pulling {image} with {engine}…");
        }

        return missing.All(image => Run(LongestPull, engine, "pull", image) is not null)
            ? (true, $"{engine} answers")
            : (false, $"{engine} answers, but the images cannot be pulled; {Setting}=true insists");
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
