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
                (var containers, reason) = Find(builder.Configuration["ASPIRE_CONTAINER_RUNTIME"], images);
                builder.Configuration[Setting] = containers.ToString();
            }
            else if (!bool.TryParse(given, out _))
            {
                throw new DistributedApplicationException($"{Setting} is '{given}'. Set it to true for containers, to false for native servers, or leave it out.");
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

    private static (bool Containers, string Reason) Find(string? chosen, string[] images)
    {
        string[] engines = chosen is { Length: > 0 } ? [chosen] : ["docker", "podman"];
        foreach (var engine in engines.Where(engine => Succeeds(LongestAnswer, engine, "info")))
        {
            var missing = images.Where(image => !Succeeds(LongestAnswer, engine, "image", "inspect", image)).ToArray();
            foreach (var image in missing)
            {
                Console.Error.WriteLine($"Pulling {image} with {engine}…");
            }

            return missing.All(image => Succeeds(LongestPull, engine, "pull", image))
                ? (true, $"{engine} answers")
                : (false, $"{engine} answers, but the images cannot be pulled; {Setting}=true insists");
        }

        return (false, "no container engine answers");
    }

    private static bool Succeeds(TimeSpan longest, string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
                ?? throw new InvalidOperationException($"{program} did not start.");
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            if (process.WaitForExit(longest))
            {
                return process.ExitCode == 0;
            }

            process.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false; // not installed
        }
    }
}
