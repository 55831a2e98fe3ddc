using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Kashif.Testing;

namespace Kashif.AppHost.Tests;

/// <summary>
/// The published compose file as a running system: each of our containers is a process with exactly the file's command and
/// environment. Only the host names and ports of other containers are replaced by ports of this machine.
/// </summary>
public sealed class PublishedComposeTests(Publications publications) : IAsyncDisposable
{
    private static readonly string[] Servers = [ResourceNames.Postgres, ResourceNames.Messaging, ResourceNames.Cache];
    private readonly Dictionary<string, Process> _running = [];
    private readonly ConcurrentQueue<string> _output = new();

    /// <summary>Of <c>.env</c>.</summary>
    private Dictionary<string, string> _values = [];

    /// <summary>By the address inside the compose network, such as <c>auth:8080</c>.</summary>
    private readonly Dictionary<(string Host, int Port), int> _ports = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_published_system_migrates_serves_and_drains()
    {
        var published = await publications.OfAsync("compose");
        _values = DotEnvFile.Read(published["compose/.env"]);
        var containers = published.YamlOf("compose/docker-compose.yaml")["services"].ShouldNotBeNull().AsObject().ToDictionary(container => container.Key, container => container.Value.ShouldNotBeNull());
        string[] services = [.. containers.Keys.Where(name => containers[name]["healthcheck"] is not null).Except(Servers)];
        services.Length.ShouldBe(6);

        await using var builder = await TestAppHost.CreateAsync([.. Servers.Select(server => $"--Parameters:{server}-password={_values[$"{server.ToUpperInvariant()}_PASSWORD"]}")]);
        foreach (var resource in builder.Resources.Where(resource => resource is ProjectResource or PostgresDatabaseResource).ToArray())
        {
            builder.Resources.Remove(resource);
        }

        await using var application = await builder.BuildAsync(Cancel);
        await application.StartAsync(Cancel);
        await Task.WhenAll(Servers.Select(server => application.ResourceNotifications.WaitForResourceHealthyAsync(server, Cancel)));
        foreach (var (server, port) in new[] { (ResourceNames.Postgres, 5432), (ResourceNames.Messaging, 5672), (ResourceNames.Cache, 6379) })
        {
            _ports[(server, port)] = application.GetEndpoint(server, "tcp").Port;
        }

        foreach (var service in services)
        {
            _ports[(service, 8080)] = Ports.Free();
        }

        await Task.WhenAll(containers.Keys.Where(name => name.EndsWith("-migrate", StringComparison.Ordinal)).Select(async migration =>
        {
            var service = migration[..^"-migrate".Length];
            var (exitCode, output) = await OutputOfAsync(Describe(containers[service], containers[migration]["command"].Items()));
            exitCode.ShouldBe(0, $"{migration}: {output}");
        }));

        (await CheckAsync(containers[ResourceNames.Auth])).ShouldBe(1); // nothing listens
        foreach (var service in services)
        {
            _running[service] = Start(service, Describe(containers[service], []));
        }

        using var client = new HttpClient();
        foreach (var service in services)
        {
            await Eventually.TrueAsync(() => IsHealthyAsync(client, service), () => $"{service} to be healthy: {string.Join('\n', _output)}", AppHostProcess.LongestStart);
            await Eventually.TrueAsync(async () => await CheckAsync(containers[service]) == 0, $"the health check of {service}", AppHostProcess.LongestStart); // an engine repeats it too
        }

        await WalkAsync();

        using var kill = Process.Start("kill", ["-TERM", .. _running.Values.Select(process => process.Id.ToString(CultureInfo.InvariantCulture))]);
        await Task.WhenAll(_running.Values.Select(process => process.WaitForExitAsync(Cancel))).WaitAsync(AppHostProcess.LongestStart, Cancel);
        _running.Values.ShouldAllBe(process => process.ExitCode == 0);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _running.Values)
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync();
            }

            process.Dispose();
        }
    }

    /// <summary>Registers, reports, receives points, and signs in as the first admin: through the gateway alone.</summary>
    private async Task WalkAsync()
    {
        const string Email = "amina@example.org", Password = "a perfectly good password";
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_ports[(ResourceNames.Gateway, 8080)]}") };

        var discovery = await client.GetFromJsonAsync<JsonElement>("/api/v1/auth/.well-known/openid-configuration", Cancel);
        discovery.GetProperty("issuer").GetString().ShouldBe("https://kashif.example.org/api/v1/auth");
        using var registered = await client.PostAsJsonAsync("/api/v1/auth/register", new { email = Email, password = Password, full_name = "Amina" }, Cancel);
        registered.StatusCode.ShouldBe(HttpStatusCode.Created, await registered.Content.ReadAsStringAsync(Cancel));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await SignInAsync(client, Email, Password));
        using var report = await client.PostAsJsonAsync("/api/v1/reports", new { title = "A deep pothole", description = "In the right lane.", category = "pothole", latitude = 33.51, longitude = 36.29 }, Cancel);
        report.StatusCode.ShouldBe(HttpStatusCode.Created, await report.Content.ReadAsStringAsync(Cancel));
        await Eventually.TrueAsync(
            async () => (await client.GetFromJsonAsync<JsonElement>("/api/v1/gamification/points/me", Cancel)).GetProperty("points").GetInt32() == 10, "10 points");
        await Eventually.TrueAsync(
            async () => (await client.GetFromJsonAsync<JsonElement>("/api/v1/notifications/unread-count", Cancel)).GetProperty("unread_count").GetInt32() == 4, "four notifications"); // the first report is an achievement

        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await SignInAsync(client, _values["ADMIN_EMAIL"], _values["ADMIN_PASSWORD"]));
        using var users = await client.GetAsync("/api/v1/auth/users", Cancel);
        users.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static async Task<string?> SignInAsync(HttpClient client, string email, string password)
    {
        using var form = new FormUrlEncodedContent([new("username", email), new("password", password)]);
        using var response = await client.PostAsync("/api/v1/auth/token", form, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancel));
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("access_token").GetString();
    }

    private async Task<bool> IsHealthyAsync(HttpClient client, string service)
    {
        try
        {
            using var response = await client.GetAsync(new Uri($"http://127.0.0.1:{_ports[(service, 8080)]}/ready"), Cancel);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }

    /// <returns>The exit code of the container's health check.</returns>
    private async Task<int> CheckAsync(JsonNode container)
    {
        var command = container["healthcheck"].ShouldNotBeNull()["test"].Items();
        command[..2].ShouldBe(["CMD", "dotnet"]);
        return (await OutputOfAsync(Describe(container, command[3..]))).ExitCode;
    }

    /// <summary>The program of the container's image with its environment.</summary>
    private ProcessStartInfo Describe(JsonNode container, string[] arguments)
    {
        var program = Path.GetFileNameWithoutExtension(container["healthcheck"].ShouldNotBeNull()["test"].Items()[2]);
        var path = AppHostProgram.Path.Replace("Kashif.AppHost", program, StringComparison.Ordinal);
        var start = new ProcessStartInfo("dotnet", [$"{path}.dll", .. arguments])
        {
            WorkingDirectory = Path.GetDirectoryName(path),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var name in new[] { "PATH", "HOME" })
        {
            start.Environment[name] = Environment.GetEnvironmentVariable(name);
        }

        foreach (var (name, value) in container["environment"].ShouldNotBeNull().AsObject())
        {
            start.Environment[name] = OnThisMachine(DotEnvFile.Interpolate(value.Text(), _values));
        }

        var service = Regex.Match(container["image"].Text(), @"kashif/(\w+):").Groups[1].Value;
        start.Environment["HTTP_PORTS"] = _ports[(service, int.Parse(start.Environment["HTTP_PORTS"] ?? "", CultureInfo.InvariantCulture))].ToString(CultureInfo.InvariantCulture);

        return start;
    }

    /// <summary>Runs a program to its end.</summary>
    private static async Task<(int ExitCode, string Output)> OutputOfAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        var output = process.StandardOutput.ReadToEndAsync(Cancel);
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, await output + await errors);
    }

    private string OnThisMachine(string value)
    {
        foreach (var ((host, port), here) in _ports)
        {
            value = value.Replace($"Host={host};Port={port};", $"Host=127.0.0.1;Port={here};", StringComparison.Ordinal);
            value = Regex.Replace(value, $@"(?<=[/@]|^){host}:{port}\b", $"127.0.0.1:{here}");
        }

        return value;
    }

    private Process Start(string name, ProcessStartInfo start)
    {
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{name} did not start.");
        DataReceivedEventHandler collect = (_, line) => _output.Enqueue($"{name}: {line.Data}");
        process.OutputDataReceived += collect;
        process.ErrorDataReceived += collect;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
