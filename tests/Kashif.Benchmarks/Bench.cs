extern alias AppHost;

using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Kashif;
using Kashif.Benchmarks;
using Npgsql;

// Starts a temporary system, runs load on the hot paths through its gateway and prints a table.
// Usage: ./kashif bench [--seconds N] [WORD]   (10 seconds per path by default; only paths whose name contains the word)
//        ./kashif bench delivery               (notifications from the API to the push service)
//        ./kashif bench lists                  (lists, maps and statistics of 200,000 and of 2,000,000 reports)
//        ./kashif bench timing                 (whether response times reveal which addresses have an account)
var seconds = TimeSpan.FromSeconds(args is ["--seconds", var text, ..] ? int.Parse(text, CultureInfo.InvariantCulture) : 10);
var only = args is [.., var word] && !word.StartsWith('-') && !char.IsDigit(word[0]) ? word : "";
const int Users = 200;
const int SeededReports = 100_000;

if (only == "delivery")
{
    await Delivery.RunAsync(seconds);
    return;
}

if (only == "lists")
{
    await Lists.RunAsync(seconds);
    return;
}

var builder = await DistributedApplicationTestingBuilder.CreateAsync<AppHost::Projects.Kashif_AppHost>(
    ["--ThrowAwayData=true", "--Fsync=true", "--Parameters:gateway-port=0"]); // Temporary data, but with fsync.
foreach (var project in builder.Resources.OfType<ProjectResource>())
{
    builder.CreateResourceBuilder(project)
        .WithEnvironment("Reporting__ReportsPerHour", "100000000")
        .WithEnvironment("RateLimits__Scale", "10000000")
        .WithEnvironment("Smtp__PickupDirectory", "") // No mails in files.
        .WithEnvironment("DOTNET_gcServer", "0");
}

await using var application = await builder.BuildAsync();
await application.StartAsync();
await application.ResourceNotifications.WaitForResourceHealthyAsync(ResourceNames.Gateway);
using var client = application.CreateHttpClient(ResourceNames.Gateway);
var gateway = client.BaseAddress ?? throw new InvalidOperationException("The gateway has no address.");

if (only == "timing")
{
    await Timing.RunAsync(client);
    return;
}

await Console.Error.WriteLineAsync($"Seeding {SeededReports} reports and {Users} users…");
await using var reporting = NpgsqlDataSource.Create(await ConnectionStringAsync(ResourceNames.ReportingDb));
await using var gamification = NpgsqlDataSource.Create(await ConnectionStringAsync(ResourceNames.GamificationDb));
await using var notifications = NpgsqlDataSource.Create(await ConnectionStringAsync(ResourceNames.NotificationsDb));
var tokens = await Seed.UsersAsync(client, Users);
await Seed.ReportsAsync(reporting, SeededReports);
await Seed.EveryReportEarnsAsync(gamification);
var tokenFile = Path.Combine(Path.GetTempPath(), $"kashif-bench-{Guid.CreateVersion7():N}");
await File.WriteAllLinesAsync(tokenFile, tokens);
try
{
    var warm = TimeSpan.FromSeconds(20); // The JIT compiler needs this long in every process.
    const string Radius = "/api/v1/reports?latitude={lat}&longitude={lon}&radius_km=5&limit=50";
    (string Name, int Goal, Func<TimeSpan, Task<Measurement>> Run)[] paths =
    [
        ("POST report", 3_650, time => Wrk.RunAsync(gateway, time, 64, "report.lua", tokenFile)),
        ("radius list of 50", 5_000, time => Wrk.RunAsync(gateway, time, 64, "get.lua", Radius)),
        ("leaderboard", 20_000, time => Wrk.RunAsync(gateway, time, 64, "get.lua", "/api/v1/gamification/leaderboard")),
        ("/me", 12_500, time => Wrk.RunAsync(gateway, time, 64, "get.lua", "/api/v1/auth/me", tokenFile)),
    ];

    Console.WriteLine($"{Environment.ProcessorCount} cores, load generator and servers on the same machine, {seconds.TotalSeconds:0} s per path");
    Console.WriteLine();
    Console.WriteLine("| path | requests/s | of goal | p50 | p99 | errors |");
    Console.WriteLine("|---|---|---|---|---|---|");
    var reportsPerSecond = 0.0;
    foreach (var (name, goal, run) in paths.Where(path => path.Name.Contains(only, StringComparison.Ordinal)))
    {
        await run(warm);
        await Lag.DrainedAsync(reporting, gamification, notifications);
        var measured = await run(seconds);
        reportsPerSecond = name == "POST report" ? measured.PerSecond : reportsPerSecond;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {measured.PerSecond:0} | {measured.PerSecond / goal:P0} | {measured.P50} | {measured.P99} | {measured.Errors} |"));
    }

    if (only.Length > 0)
    {
        return;
    }

    await Lag.DrainedAsync(reporting, gamification, notifications);
    var since = TimeProvider.System.GetUtcNow();

    // Half the throughput measured above: the pause between the requests of a connection.
    const int Connections = 64;
    var pause = Connections / (reportsPerSecond / 2) * 1000;
    var burst = await Wrk.RunAsync(gateway, seconds, Connections, "report.lua", tokenFile, pause.ToString("0", CultureInfo.InvariantCulture));
    await Lag.DrainedAsync(reporting, gamification, notifications);
    Console.WriteLine();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Lag behind the report, at {burst.PerSecond:0} reports/s ({burst.Errors} errors):"));
    Console.WriteLine();
    Console.WriteLine("| | p50 | p99 | longest | events |");
    Console.WriteLine("|---|---|---|---|---|");
    Console.WriteLine(await Lag.RowAsync("award", gamification, "awards.report-created", since));
    Console.WriteLine(await Lag.RowAsync("notifications (of reports and awards)", notifications, "notify", since));
}
finally
{
    File.Delete(tokenFile);
}

async Task<string> ConnectionStringAsync(string name) => await application.GetConnectionStringAsync(name)
    ?? throw new InvalidOperationException($"'{name}' has no connection string.");
