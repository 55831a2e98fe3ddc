using System.Diagnostics;
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
    public async Task A_report_earns_points_on_containers()
    {
        await using var builder = await TestAppHost.CreateAsync("--Containers=true");
        var images = builder.Resources.SelectMany(resource => resource.Annotations.OfType<ContainerImageAnnotation>())
            .Select(image => $"{image.Registry}/{image.Image}:{image.Tag}").Distinct().ToArray();
        images.Length.ShouldBe(3);
        var engine = new[] { "docker", "podman" }.FirstOrDefault(engine => Succeeds(engine, "info"));
        Assert.SkipWhen(engine is null, "No container engine answers here.");
        var missing = images.FirstOrDefault(image => !Succeeds(engine ?? "", "image", "inspect", image));
        Assert.SkipWhen(missing is not null, $"{engine} has no image {missing}.");

        await using var application = await builder.BuildAsync(Cancel);
        await application.StartAsync(Cancel);
        await application.ResourceNotifications.WaitForResourceHealthyAsync(ResourceNames.Gateway, Cancel);
        using var client = new HttpClient { BaseAddress = application.GetEndpoint(ResourceNames.Gateway, "http") };
        using var registered = await client.PostAsJsonAsync("/api/v1/auth/register", new { email = "amina@kashif.test", password = "a perfectly good password", full_name = "Amina" }, Cancel);
        using var form = new FormUrlEncodedContent([new("username", "amina@kashif.test"), new("password", "a perfectly good password")]);
        using var token = await client.PostAsync("/api/v1/auth/token", form, Cancel);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer", (await token.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("access_token").GetString());
        using var report = await client.PostAsJsonAsync("/api/v1/reports", new { title = "A deep pothole", description = "In the right lane.", category = "pothole", latitude = 33.51, longitude = 36.29 }, Cancel);
        ((int)report.StatusCode).ShouldBe(201);

        await Eventually.TrueAsync(
            async () => (await client.GetFromJsonAsync<JsonElement>("/api/v1/gamification/points/me", Cancel)).GetProperty("points").GetInt32() == 10, "10 points");
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
