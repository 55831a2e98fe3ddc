using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

[assembly: AssemblyFixture(typeof(Kashif.Reporting.Tests.ReportingService))]

namespace Kashif.Reporting.Tests;

/// <summary>Reporting on real servers, started once. Each test uses its own users and places.</summary>
public sealed class ReportingService : IAsyncLifetime
{
    private TestServers? _servers;
    private TestIssuer? _issuer;
    private ServiceHost<Program>? _host;
    private EventTap? _tap;

    public ServiceHost<Program> Host => _host ?? throw new InvalidOperationException("Not started.");
    public EventTap Tap => _tap ?? throw new InvalidOperationException("Not started.");
    private TestServers Servers => _servers ?? throw new InvalidOperationException("Not started.");
    public TestIssuer Issuer => _issuer ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _servers = await TestServers.StartAsync();
        _issuer = await TestIssuer.StartAsync();
        _tap = await EventTap.OpenAsync(_servers.Messaging);
        _host = await StartAnotherAsync(reportsPerHour: 0, settings: new(WebhookTests.Settings) { ["Reporting:TimeZone"] = "Europe/Berlin" });
    }

    /// <summary>Starts another process of the service.</summary>
    /// <param name="database">The connection string of another process's database, for a replica; null for a new database. Only replicas of the first host consume its queue.</param>
    public Task<ServiceHost<Program>> StartAnotherAsync(int reportsPerHour, string? database = null, Action<IServiceCollection>? configure = null, Dictionary<string, string?>? settings = null) =>
        ServiceHost<Program>.StartAsync(
            Servers,
            Issuer,
            ResourceNames.ReportingDb,
            new Dictionary<string, string?>(settings ?? []) { ["Reporting:ReportsPerHour"] = reportsPerHour.ToString(System.Globalization.CultureInfo.InvariantCulture) },
            database,
            services =>
            {
                if (_host is not null && database == _host.Database) // a relay that stops within a batch publishes it twice, which the tests of the first host would count
                {
                    services.Remove(services.Single(row => row.ImplementationType?.Name.StartsWith("OutboxRelay", StringComparison.Ordinal) == true));
                }

                configure?.Invoke(services);
            },
            consumes: _host is null || database == _host.Database);

    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[_host, _tap, _issuer, _servers])
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    /// <summary>Whether a place is outside of the squares of <see cref="AgencyTests"/>, whose areas take the reports in them.</summary>
    internal static bool IsFree((double Latitude, double Longitude) place) => place.Latitude is < -76 or > -73;

    public HttpClient Citizen(out Guid id)
    {
        id = Guid.CreateVersion7();
        return Host.As(id);
    }

    public HttpClient NewUser(params string[] roles) => Host.As(Guid.CreateVersion7(), roles);

    /// <summary>Creates a report as a new user.</summary>
    public async Task<JsonElement> FileAsync(double latitude = 24.7, double longitude = 46.7, string category = "pothole")
    {
        using var client = Citizen(out _);
        return await client.FileAsync(latitude, longitude, category);
    }

    internal async Task<T> QueryAsync<T>(Func<ReportingDbContext, Task<T>> query)
    {
        await using var scope = Host.Services.CreateAsyncScope();
        return await query(scope.ServiceProvider.GetRequiredService<ReportingDbContext>());
    }

    /// <summary>Waits until a connection waits for a lock that another holds.</summary>
    /// <param name="holder">Its process id.</param>
    /// <param name="waiter">The process id of the one that waits; null for any.</param>
    internal Task WaitForLockAsync(int holder, int? waiter = null) => Eventually.TrueAsync(
        () => QueryAsync(database => database.Database
            .SqlQuery<bool>($"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {holder} = ANY (pg_blocking_pids(pid)) AND pid = coalesce({waiter}, pid)) AS \"Value\"").SingleAsync()),
        "the lock");

    /// <summary>Waits until connections stand in line for a lock: the first one waits for the holder, the others for each other.</summary>
    /// <param name="holder">The process id of the one that holds the lock.</param>
    internal Task WaitForLineAsync(int holder, int length) => Eventually.TrueAsync(
        async () => await QueryAsync(database => database.Database.SqlQuery<int>($"""
            WITH RECURSIVE line AS (
                SELECT {holder} AS pid UNION SELECT waiting.pid FROM pg_stat_activity AS waiting JOIN line ON line.pid = ANY (pg_blocking_pids(waiting.pid)))
            SELECT count(*)::int - 1 AS "Value" FROM line
            """).SingleAsync()) == length,
        $"a line of {length}");

    /// <summary>Inserts reports directly into the database, in random order.</summary>
    internal async Task<Guid[]> SeedAsync(IReadOnlyList<(double Latitude, double Longitude)> places, string category = "pothole", string status = "submitted", Guid? userId = null, string? database = null)
    {
        var now = TimeProvider.System.GetUtcNow();

        // In order, also after those of a call just before: 3 ticks are more than the precision of an id.
        var ids = places.Select((_, index) => TimeOrderedId.Create(now.AddTicks(3L * (index - places.Count)))).ToArray();
        await using var connection = new NpgsqlConnection(database ?? Host.Database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("""
            WITH category AS (
                INSERT INTO categories (code, name_en, name_ar, icon, colour, position, active) VALUES ($2, $2, $2, '', '', 0, false) ON CONFLICT DO NOTHING)
            INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
            SELECT id, $1, 'Seeded', '', $2, $3, latitude, longitude, now(), now(), 1 FROM unnest($4, $5, $6) AS place (id, latitude, longitude) ORDER BY md5(id::text)
            """, connection)
        {
            Parameters =
            {
                new() { Value = userId ?? Guid.CreateVersion7() },
                new() { Value = category },
                new() { Value = status },
                new() { Value = ids },
                new() { Value = places.Select(place => place.Latitude).ToArray() },
                new() { Value = places.Select(place => place.Longitude).ToArray() },
            },
        };
        await command.ExecuteNonQueryAsync();
        return ids;
    }

    internal Task<int> VersionAsync(Guid id) =>
        QueryAsync(database => database.Reports.Where(report => report.Id == id).Select(report => report.Version).SingleAsync());
}

internal static class ReportingClient
{
    public const string Root = "/api/v1/reports";

    public static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    extension(HttpClient client)
    {
        public Task<HttpResponseMessage> PostReportAsync(object body, string? key = null)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, Root) { Content = JsonContent.Create(body) };
            if (key is not null)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            return client.SendAsync(request);
        }

        public async Task<JsonElement> FileAsync(double latitude = 24.7, double longitude = 46.7, string category = "pothole", string title = "A deep hole")
        {
            using var response = await client.PostReportAsync(new { title, description = "In the right lane.", category, latitude, longitude });
            response.StatusCode.ShouldBe(System.Net.HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
            return await response.JsonAsync();
        }

        public async Task<(int Status, JsonElement Body)> ChangeStatusAsync(Guid report, object body, string? ifMatch = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Patch, $"{Root}/{report}/status") { Content = JsonContent.Create(body) };
            if (ifMatch is not null)
            {
                request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
            }

            using var response = await client.SendAsync(request);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public async Task<(int Status, JsonElement Body)> ReadAsync(string path)
        {
            using var response = await client.GetAsync(path);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        /// <summary>Reads all pages of a list.</summary>
        /// <param name="path">The path with a question mark.</param>
        public async Task<List<JsonElement>> AllPagesAsync(string path, int limit, Func<int, Task>? betweenPages = null)
        {
            var items = new List<JsonElement>();
            string? cursor = null;
            for (var page = 1; ; page++)
            {
                var (status, body) = await client.ReadAsync($"{path}&limit={limit}{(cursor is null ? "" : $"&cursor={cursor}")}");
                status.ShouldBe(200, body.ToString());
                var found = body.GetProperty("items").EnumerateArray().ToArray();
                items.AddRange(found);
                cursor = body.GetProperty("next_cursor").GetString();
                if (cursor is null)
                {
                    return items;
                }

                found.Length.ShouldBe(limit);
                await (betweenPages?.Invoke(page) ?? Task.CompletedTask);
            }
        }
    }

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) => await response.Content.ReadFromJsonAsync<JsonElement>();

    extension(JsonElement element)
    {
        public Guid Id => element.GetProperty("id").GetGuid();
        public string? Code => element.GetProperty("code").GetString();
        public string[] BadFields => [.. element.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal)];
    }
}
