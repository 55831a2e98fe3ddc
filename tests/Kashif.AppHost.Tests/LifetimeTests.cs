using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Kashif.Testing;
using Microsoft.Playwright;

namespace Kashif.AppHost.Tests;

/// <summary>What remains of a run that ends or is killed, and what the next one finds.</summary>
public sealed class LifetimeTests : IDisposable
{
    private const string Email = "amina@kashif.test";
    private const string Password = "a perfectly good password";
    private readonly string _data = Directory.CreateTempSubdirectory("kashif-lifetime-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public LifetimeTests() => File.SetUnixFileMode(_data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Data_outlive_kills_and_new_passwords_and_nothing_else_does()
    {
        AppHostProcess.SkipWithoutNativeServers();
        await using (var first = AppHostProcess.Start(_data, Ports.Free()))
        {
            await first.HealthyAsync();
            await RegisterAsync(first.Gateway);
            await RefusesASecondRunAsync(first);
            await ShowsAndRestartsAsync(first);

            var processes = first.Processes();
            string[] expected = ["dcp", "Kashif.Auth", "Kashif.Gateway", "beam.smp", "redis.sh", "postgres.sh"];
            expected.ShouldBeSubsetOf(processes.Select(process => process.Name));
            await first.SignalAsync("KILL", [first.Id, .. processes.Where(process => process.Name == "dcp").Select(process => process.Id)]);
            await AppHostProcess.GoneAsync(processes);
        }

        string[] newPasswords = ["--Parameters:postgres-password=another-p'assword", "--Parameters:messaging-password=another", "--Parameters:cache-password=another"];
        await using (var second = AppHostProcess.Start(_data, Ports.Free(), newPasswords))
        {
            await second.HealthyAsync();
            await SignInAsync(second.Gateway);
            var processes = second.Processes();
            await second.SignalAsync("TERM", second.Id);
            await second.ExitedAsync();
            second.ExitCode.ShouldBe(0, second.Output);
            await AppHostProcess.GoneAsync(processes);
        }

        (await ClusterStateAsync()).ShouldContain("shut down");
    }

    [Theory]
    [InlineData("AppHost")]
    [InlineData("dcp")]
    public async Task Killing_one_of_the_two_that_run_everything_leaves_nothing(string killed)
    {
        AppHostProcess.SkipWithoutNativeServers();
        await using var run = AppHostProcess.Start(_data, Ports.Free());
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(_data, "run.id")) && run.Processes().Any(process => process.Name == "Kashif.Auth"), "Auth to run", AppHostProcess.LongestStart);
        var processes = run.Processes();

        await run.SignalAsync("KILL", [.. killed == "dcp" ? processes.Where(process => process.Name == "dcp").Select(process => process.Id) : [run.Id]]);

        await AppHostProcess.GoneAsync(processes);
        await Eventually.TrueAsync(() => !run.Processes().Any(process => process.IsAlive), "the end of what was just starting", AppHostProcess.LongestStart);
    }

    [Fact]
    public async Task A_taken_port_is_reported_before_anything_starts()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var run = AppHostProcess.Start(_data, port);

        await run.ExitedAsync();

        run.ExitCode.ShouldBe(1);
        run.Output.Trim().ShouldBe(
            $"Port {port} is taken by '{Process.GetCurrentProcess().ProcessName}' (process {Environment.ProcessId}). "
            + "Free it, or use another port: Parameters__gateway-port=8080 (0 for a free port).");
        Directory.Exists(Path.Combine(_data, "data")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_run_that_has_not_written_its_identity_is_reported_too()
    {
        await using var held = new FileStream(Path.Combine(_data, "run.lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        await using var run = AppHostProcess.Start(_data, Ports.Free());

        await run.ExitedAsync();

        run.ExitCode.ShouldBe(1);
        run.Output.ShouldStartWith("Kashif is already running here. Stop it");
    }

    [Fact]
    public async Task A_data_directory_that_is_a_file_is_reported()
    {
        var file = Path.Combine(_data, "file");
        await File.WriteAllTextAsync(file, "", Cancel);
        await using var run = AppHostProcess.Start(file, Ports.Free());

        await run.ExitedAsync();

        run.ExitCode.ShouldBe(1);
        run.Output.Trim().ShouldBe($"The data directory cannot be used: The file '{file}' already exists. Choose another one: DataDirectory=/path.");
    }

    private async Task RefusesASecondRunAsync(AppHostProcess first)
    {
        await using var second = AppHostProcess.Start(_data, Ports.Free());
        await second.ExitedAsync();
        second.ExitCode.ShouldBe(1);
        second.Output.ShouldStartWith($"Kashif is already running here (process {first.Id}).");
    }

    /// <summary>The dashboard in a browser: every resource is there and running; one is restarted from it and becomes healthy again.</summary>
    private static async Task ShowsAndRestartsAsync(AppHostProcess run)
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();
        var page = await browser.NewPageAsync();
        page.SetDefaultTimeout((float)AppHostProcess.LongestStart.TotalMilliseconds);
        await page.GotoAsync((await run.DashboardAsync()).ToString());
        foreach (var resource in new[]
        {
            ResourceNames.Postgres, ResourceNames.Messaging, ResourceNames.Cache, ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification,
            ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Gateway,
        })
        {
            await Row(page, resource).GetByText("Running").First.WaitForAsync();
        }

        var before = run.Processes().Single(process => process.Name == "Kashif.Coupons");
        await Row(page, ResourceNames.Coupons).GetByTitle("Actions").ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new PageGetByRoleOptions { Name = "Commands" }).First.HoverAsync();
        await page.GetByRole(AriaRole.Menuitem, new PageGetByRoleOptions { Name = "Restart", Exact = true }).ClickAsync();
        await Eventually.TrueAsync(() => !before.IsAlive && run.Processes().Any(process => process.Name == "Kashif.Coupons" && process.Id != before.Id), "another process of Coupons", AppHostProcess.LongestStart);
        await run.HealthyAsync();
        await Row(page, ResourceNames.Coupons).GetByText("Running").First.WaitForAsync();

        // What the services sent over OTLP.
        var dashboard = new Uri(page.Url);
        await page.GotoAsync(new Uri(dashboard, "/structuredlogs").ToString());
        await page.GetByText("Now listening on").First.WaitForAsync();
        await page.GotoAsync(new Uri(dashboard, "/traces").ToString());
        await page.GetByText("POST /api/v1/auth/register").First.WaitForAsync();
        await page.GotoAsync(new Uri(dashboard, $"/metrics/resource/{ResourceNames.Gateway}").ToString());
        await page.GetByText("api_request_duration").First.WaitForAsync();

        static ILocator Row(IPage page, string resource) =>
            page.Locator("tr", new PageLocatorOptions { Has = page.GetByText(resource, new PageGetByTextOptions { Exact = true }) }).First;
    }

    private static async Task RegisterAsync(Uri gateway)
    {
        using var client = new HttpClient { BaseAddress = gateway };
        using var response = await client.PostAsJsonAsync("/api/v1/auth/register", new { email = Email, password = Password, full_name = "Amina" }, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private static async Task SignInAsync(Uri gateway)
    {
        using var client = new HttpClient { BaseAddress = gateway };
        using var form = new FormUrlEncodedContent([new("username", Email), new("password", Password)]);
        using var response = await client.PostAsync("/api/v1/auth/token", form, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private async Task<string> ClusterStateAsync()
    {
        var program = Directory.EnumerateFiles("/usr/lib/postgresql", "pg_controldata", SearchOption.AllDirectories).Order().Last();
        using var process = Process.Start(new ProcessStartInfo(program, [Path.Combine(_data, "data", ResourceNames.Postgres)]) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} did not start.");
        return (await process.StandardOutput.ReadToEndAsync(Cancel)).Split('\n').Single(line => line.StartsWith("Database cluster state:", StringComparison.Ordinal));
    }
}
