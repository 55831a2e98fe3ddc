using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Kashif.Testing;

namespace Kashif.AppHost.Tests;

/// <summary>The whole system on containers, where an engine answers and has the images. <c>Containers=true ./kashif test</c> runs every test that way.</summary>
public sealed class ContainerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_report_earns_points_and_the_throw_away_volumes_are_removed()
    {
        await using var builder = await TestAppHost.CreateAsync("--Containers=true");
        var engine = Engine(builder);
        string[] volumes = [.. builder.Resources.SelectMany(resource => resource.Annotations.OfType<ContainerMountAnnotation>())
            .Where(mount => mount.Type == ContainerMountType.Volume).Select(mount => mount.Source ?? "")];
        volumes.Length.ShouldBe(2);

        await using (var application = await builder.BuildAsync(Cancel))
        {
            await application.StartAsync(Cancel);
            await application.ResourceNotifications.WaitForResourceHealthyAsync(ResourceNames.Gateway, Cancel);
            using var client = new HttpClient { BaseAddress = application.GetEndpoint(ResourceNames.Gateway, "http") };
            (await RegisterAsync(client)).ShouldBe(HttpStatusCode.Created);
            await SignInAsync(client);
            using var report = await client.PostAsJsonAsync("/api/v1/reports", new { title = "A deep pothole", description = "In the right lane.", category = "pothole", latitude = 33.51, longitude = 36.29 }, Cancel);
            report.StatusCode.ShouldBe(HttpStatusCode.Created);
            await Eventually.TrueAsync(
                async () => (await client.GetFromJsonAsync<JsonElement>("/api/v1/gamification/points/me", Cancel)).GetProperty("points").GetInt32() == 10, "10 points");
            (await VolumesAsync(engine)).Intersect(volumes).Count().ShouldBe(volumes.Length);
        }

        (await VolumesAsync(engine)).Intersect(volumes).ShouldBeEmpty();
    }

    [Fact]
    public async Task Data_survive_a_restart_until_the_secrets_are_deleted_and_a_wrong_password_is_reported()
    {
        string engine;
        await using (var builder = await TestAppHost.CreateAsync("--Containers=true"))
        {
            engine = Engine(builder);
        }

        var before = await VolumesAsync(engine);
        var data = Directory.CreateTempSubdirectory("kashif-containers-");
        try
        {
            await using (var first = Start())
            {
                await first.HealthyAsync();
                using var client = new HttpClient { BaseAddress = first.Gateway };
                (await RegisterAsync(client)).ShouldBe(HttpStatusCode.Created);
                await EndAsync(first);
            }

            await using (var second = Start())
            {
                await second.HealthyAsync();
                using var client = new HttpClient { BaseAddress = second.Gateway };
                await SignInAsync(client);
                await EndAsync(second);
            }

            await using (var third = Start("--Parameters:postgres-password=another", "--Parameters:messaging-password=another"))
            {
                foreach (var server in new[] { ResourceNames.Postgres, ResourceNames.Messaging })
                {
                    await Eventually.TrueAsync(
                        () => third.Output.Contains($"{server} refuses its password: the volume kashif-", StringComparison.Ordinal), $"the report of {server}", AppHostProcess.LongestStart);
                }

                await EndAsync(third);
            }

            Directory.Delete(Path.Combine(data.FullName, "secrets"), recursive: true);
            await using (var fourth = Start())
            {
                await fourth.HealthyAsync();
                using var client = new HttpClient { BaseAddress = fourth.Gateway };
                (await RegisterAsync(client)).ShouldBe(HttpStatusCode.Created);
                await EndAsync(fourth);
            }
        }
        finally
        {
            data.Delete(recursive: true);
            string[] made = [.. (await VolumesAsync(engine)).Except(before).Where(volume => volume.Contains(data.Name.Replace('-', '_'), StringComparison.Ordinal))];
            await RunAsync(engine, ["volume", "rm", .. made]);
            made.Length.ShouldBe(4);
        }

        AppHostProcess Start(params string[] settings) => AppHostProcess.Start(data.FullName, Ports.Free(), ["--Containers=true", .. settings]);
    }

    /// <summary>Ends a run as Ctrl-C does, and waits until its containers are gone.</summary>
    private static async Task EndAsync(AppHostProcess run)
    {
        var processes = run.Processes();
        await run.SignalAsync("TERM", run.Id);
        await run.ExitedAsync();
        run.ExitCode.ShouldBe(0, run.Output);
        await AppHostProcess.GoneAsync(processes);
    }

    private static async Task<HttpStatusCode> RegisterAsync(HttpClient client)
    {
        using var response = await client.PostAsJsonAsync("/api/v1/auth/register", new { email = "amina@kashif.test", password = "a perfectly good password", full_name = "Amina" }, Cancel);
        return response.StatusCode;
    }

    private static async Task SignInAsync(HttpClient client)
    {
        using var form = new FormUrlEncodedContent([new("username", "amina@kashif.test"), new("password", "a perfectly good password")]);
        using var token = await client.PostAsync("/api/v1/auth/token", form, Cancel);
        token.StatusCode.ShouldBe(HttpStatusCode.OK);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer", (await token.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("access_token").GetString());
    }

    /// <summary>Skips the test, with the reason, where no engine answers or it has not all images.</summary>
    private static string Engine(IDistributedApplicationTestingBuilder builder)
    {
        var images = builder.Resources.SelectMany(resource => resource.Annotations.OfType<ContainerImageAnnotation>())
            .Select(image => $"{image.Registry}/{image.Image}:{image.Tag}").Distinct().ToArray();
        images.Length.ShouldBe(3);
        string[] engines = Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME") is { Length: > 0 } chosen ? [chosen] : ["docker", "podman"];
        var engine = engines.FirstOrDefault(engine => Succeeds(engine, "info"));
        Assert.SkipWhen(engine is null, "No container engine answers here.");
        var missing = images.FirstOrDefault(image => !Succeeds(engine ?? "", "image", "inspect", image));
        Assert.SkipWhen(missing is not null, $"{engine} has no image {missing}.");
        return engine ?? "";
    }

    private static async Task<string[]> VolumesAsync(string engine) =>
        (await RunAsync(engine, "volume", "ls", "--quiet")).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static async Task<string> RunAsync(string engine, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(engine, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{engine} did not start.");
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        process.ExitCode.ShouldBe(0, string.Join(' ', arguments));
        return output;
    }

    private static bool Succeeds(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
            process?.WaitForExit();
            return process is { ExitCode: 0 };
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // not installed
        }
    }
}
