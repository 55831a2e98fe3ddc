using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Kashif.Testing;
using Npgsql;

namespace Kashif.Deployment.Tests;

/// <summary>Replicas that are replaced one after the other under load.</summary>
public sealed partial class RollOutTests(DeploymentServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rolling_restart_of_a_service_and_of_the_gateway_loses_no_request()
    {
        var reporting = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
        reporting["Reporting__ReportsPerHour"] = "0";
        (await ServiceProcess.RunAsync(ResourceNames.Reporting, reporting, "migrate")).ExitCode.ShouldBe(0);
        await using var services = await Replicas.StartAsync(ResourceNames.Reporting, reporting);

        var settings = servers.MinimalSettings(ResourceNames.Gateway);
        settings["RateLimits__Scale"] = "10000000"; // one user, one address
        reporting["Shutdown__Delay"] = settings["Shutdown__Delay"] = "00:00:15"; // the load must notice it, also on a busy machine
        settings["services__reporting__http__0"] = services[0].Address.AbsoluteUri;
        settings["services__reporting__http__1"] = services[1].Address.AbsoluteUri;
        await using var gateways = await Replicas.StartAsync(ResourceNames.Gateway, settings);
        await using var load = Load.Start(gateways, servers.Issuer.TokenFor(Guid.CreateVersion7()));
        await load.MoreAsync(200);

        foreach (var replicas in new[] { services, gateways })
        {
            for (var replica = 0; replica < 2; replica++)
            {
                (await replicas[replica].StopAsync()).ShouldBe(0, replicas[replica].Output);
                await load.MoreAsync(50);
                await replicas.RestartAsync(replica);
                await Eventually.TrueAsync(() => IsUsedAsync(replicas[replica]), "requests at the new replica");
            }
        }

        var created = await load.StopAsync();
        load.Failures.ShouldBeEmpty();
        await using var database = NpgsqlDataSource.Create(reporting[$"ConnectionStrings__{ResourceNames.ReportingDb}"]);
        await using var count = database.CreateCommand("SELECT count(*) FROM reports");
        (await count.ExecuteScalarAsync(Cancel)).ShouldBe((long)created);
    }

    [Fact]
    public async Task A_process_that_drains_is_not_ready_but_serves_and_ends_its_requests()
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
        settings[$"ConnectionStrings__{ResourceNames.ReportingDb}"] += ";Command Timeout=300"; // the slow request waits for its table all the while
        settings["Database__MigrateAtStart"] = "true";
        settings["Shutdown__Delay"] = "00:00:15"; // for the requests below, also on a busy machine
        settings["Shutdown__Timeout"] = "00:01:00";
        await using var process = await ServiceProcess.Start(ResourceNames.Reporting, settings).HealthyAsync();
        await using var database = NpgsqlDataSource.Create(settings[$"ConnectionStrings__{ResourceNames.ReportingDb}"]);
        await using var locking = await database.OpenConnectionAsync(Cancel);
        await using var transaction = await locking.BeginTransactionAsync(Cancel);
        await using (var command = new NpgsqlCommand("LOCK TABLE reports", locking, transaction))
        {
            await command.ExecuteNonQueryAsync(Cancel);
        }

        var slow = process.Client.GetAsync("/api/v1/reports", Cancel);
        await Eventually.TrueAsync(async () =>
        {
            await using var waiting = database.CreateCommand("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
            return await waiting.ExecuteScalarAsync(Cancel) is > 0L;
        }, "the request that waits for the table");
        process.Terminate();
        await Eventually.TrueAsync(async () => await process.StatusAsync("/health") == HttpStatusCode.ServiceUnavailable, "the end of readiness");

        (await process.StatusAsync("/ready")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await process.StatusAsync("/alive")).ShouldBe(HttpStatusCode.OK);
        using var served = await process.Client.GetAsync("/api/v1/reports/categories", Cancel);
        served.StatusCode.ShouldBe(HttpStatusCode.OK);
        served.Headers.ConnectionClose.ShouldBe(true);

        await Eventually.TrueAsync(async () => await process.StatusAsync("/alive") is null, "the end of listening");
        slow.IsCompleted.ShouldBeFalse();
        await transaction.RollbackAsync(Cancel);
        using var ended = await slow;
        ended.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await process.EndAsync()).ShouldBe(0, process.Output);
    }

    /// <summary>Whether the process has answered requests for reports.</summary>
    private static async Task<bool> IsUsedAsync(ServiceProcess process) => Used().IsMatch(await process.Client.GetStringAsync("/metrics", Cancel));

    [GeneratedRegex("""^api_requests_total\{[^}]*route="/?api/v1/reports""", RegexOptions.Multiline)]
    private static partial Regex Used();

    /// <summary>Two processes of a service, at addresses that they keep.</summary>
    private sealed class Replicas(string service, IReadOnlyDictionary<string, string> settings, ServiceProcess[] processes) : IAsyncDisposable
    {
        public ServiceProcess this[int index] => processes[index];

        public static async Task<Replicas> StartAsync(string service, IReadOnlyDictionary<string, string> settings)
        {
            ServiceProcess[] processes = [ServiceProcess.Start(service, settings), ServiceProcess.Start(service, settings)];
            await Task.WhenAll(processes.Select(process => process.HealthyAsync("/ready")));
            return new Replicas(service, settings, processes);
        }

        public async Task RestartAsync(int index)
        {
            var port = processes[index].Address.Port;
            await processes[index].DisposeAsync();
            processes[index] = await ServiceProcess.Start(service, settings, port).HealthyAsync("/ready");
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var process in processes)
            {
                await process.DisposeAsync();
            }
        }
    }

    /// <summary>Clients behind a load balancer, which sends to the gateways that are ready: reads and writes in turn.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private const int Clients = 8;
        private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(200);
        private static readonly TimeSpan SendInterval = TimeSpan.FromMilliseconds(10); // more would only slow down the tests beside this one
        private readonly CancellationTokenSource _stopped = new();
        private readonly Uri[] _gateways;
        private readonly HttpClient _client = new(new SocketsHttpHandler());
        private readonly HttpClient _probes = new();
        private readonly Task[] _work;
        private volatile Uri[] _ready;
        private int _answered;
        private int _created;

        private Load(Uri[] gateways, string token)
        {
            _gateways = _ready = gateways;
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            _work = [ProbeAsync(), .. Enumerable.Range(0, Clients).Select(SendAsync)];
        }

        public ConcurrentQueue<string> Failures { get; } = [];

        public static Load Start(Replicas gateways, string token) => new([gateways[0].Address, gateways[1].Address], token);

        /// <summary>Waits for this many more answers.</summary>
        public Task MoreAsync(int answers)
        {
            var goal = Volatile.Read(ref _answered) + answers;
            return Eventually.TrueAsync(() => Volatile.Read(ref _answered) >= goal, $"{answers} answers");
        }

        /// <returns>How many reports were created.</returns>
        public async Task<int> StopAsync()
        {
            await _stopped.CancelAsync();
            await Task.WhenAll(_work);
            return _created;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _client.Dispose();
            _probes.Dispose();
            _stopped.Dispose();
        }

        private async Task ProbeAsync()
        {
            using var timer = new PeriodicTimer(ProbeInterval);
            while (!_stopped.IsCancellationRequested)
            {
                var ready = await Task.WhenAll(_gateways.Select(IsReadyAsync));
                if (ready.Any(isReady => isReady))
                {
                    _ready = [.. _gateways.Where((_, index) => ready[index])];
                }

                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }

        private async Task<bool> IsReadyAsync(Uri gateway)
        {
            try
            {
                using var response = await _probes.GetAsync(new Uri(gateway, "/ready"));
                return response.IsSuccessStatusCode;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        }

        private async Task SendAsync(int client)
        {
            using var timer = new PeriodicTimer(SendInterval);
            for (var number = client; !_stopped.IsCancellationRequested; number++)
            {
                await timer.WaitForNextTickAsync(CancellationToken.None);
                var ready = _ready;
                var isWrite = number % 2 == 0;
                using var request = new HttpRequestMessage(isWrite ? HttpMethod.Post : HttpMethod.Get, new Uri(ready[number % ready.Length], "/api/v1/reports"));
                request.Content = isWrite ? JsonContent.Create(new { title = "A deep hole", description = "", category = "pothole", latitude = 24.7, longitude = 46.7 }) : null;
                try
                {
                    using var response = await _client.SendAsync(request);
                    if (!response.IsSuccessStatusCode)
                    {
                        Failures.Enqueue($"{request.Method} {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                    }
                    else if (isWrite)
                    {
                        Interlocked.Increment(ref _created);
                    }
                }
                catch (HttpRequestException exception)
                {
                    Failures.Enqueue($"{request.Method} {exception}");
                }

                Interlocked.Increment(ref _answered);
            }
        }
    }
}
