extern alias notifications;

using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace Kashif.Benchmarks;

/// <summary>
/// Measures notifications a second from the API to the push service: store, dispatch through RabbitMQ, render and send, with a local
/// FCM of which one call in ten fails. The service runs in this process, because only there can its calls to FCM be redirected.
/// </summary>
internal static class Delivery
{
    private const int Users = 2000;
    private const int Senders = 32;

    public static async Task RunAsync(TimeSpan duration)
    {
        await using var fcm = await LocalFcm.StartAsync(failsOneIn: 10);
        await using var servers = await TestServers.StartAsync();
        await using var issuer = await TestIssuer.StartAsync();
        var settings = new Dictionary<string, string?>
        {
            ["Firebase:CredentialsJson"] = fcm.CredentialsJson,
            ["Delivery:RetryDelay"] = "00:00:01",
            ["Logging:LogLevel:Default"] = "Error",
        };
        await using var service = await ServiceHost<notifications::Program>.StartAsync(
            servers, issuer, ResourceNames.NotificationsDb, settings, configure: services => services.Replace(ServiceDescriptor.Singleton(fcm.Clients)));
        await using var database = NpgsqlDataSource.Create(service.Database);
        var users = Enumerable.Range(0, Users).Select(_ => Guid.CreateVersion7()).ToArray();
        await SeedAsync(database, users);

        await SendAsync(service, users, TimeSpan.FromSeconds(10)); // The JIT compiler.
        await DrainedAsync(database);
        var (before, start) = (await StatesAsync(database), Stopwatch.GetTimestamp());
        await SendAsync(service, users, duration);
        var accepted = Stopwatch.GetElapsedTime(start);
        await DrainedAsync(database);
        var delivered = Stopwatch.GetElapsedTime(start);

        var after = await StatesAsync(database);
        var (sent, dead) = (after.Sent - before.Sent, after.Dead - before.Dead);
        Console.WriteLine($"{Environment.ProcessorCount} cores, load generator, service, servers and FCM on the same machine, one call of FCM in ten fails");
        Console.WriteLine();
        Console.WriteLine("| notifications | stored/s | delivered/s | delivered | sent twice |");
        Console.WriteLine("|---|---|---|---|---|");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {sent + dead} | {(sent + dead) / accepted.TotalSeconds:0} | {sent / delivered.TotalSeconds:0} | {(double)sent / (sent + dead):P2} | {fcm.Duplicates} |"));
    }

    private static async Task SeedAsync(NpgsqlDataSource database, Guid[] users)
    {
        await using var insert = database.CreateCommand("""
            WITH known AS (INSERT INTO recipients (user_id, language, push_enabled, email_enabled, occurred_at) SELECT id, 'en', TRUE, FALSE, now() FROM unnest($1) AS id)
            INSERT INTO devices (id, user_id, token_hash, token, device_type, registered_at)
            SELECT gen_random_uuid(), id, sha256(id::text::bytea), id::text, 'android', now() FROM unnest($1) AS id
            """);
        insert.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = users });
        await insert.ExecuteNonQueryAsync();
    }

    private static async Task SendAsync(ServiceHost<notifications::Program> service, Guid[] users, TimeSpan duration)
    {
        var start = Stopwatch.GetTimestamp();
        using var client = service.AsService();
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(async sender =>
        {
            for (var number = sender; Stopwatch.GetElapsedTime(start) < duration; number += Senders)
            {
                using var response = await client.PostAsJsonAsync("/internal/v1/notifications", new
                {
                    notification_type = "push",
                    user_id = users[number % Users],
                    template_code = "points.awarded",
                    variables = new { points = 10, balance = number },
                    request_id = Guid.CreateVersion7(),
                });
                response.EnsureSuccessStatusCode();
            }
        }));
    }

    private static async Task DrainedAsync(NpgsqlDataSource database)
    {
        while ((await StatesAsync(database)).Open > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    private static async Task<(long Sent, long Dead, long Open)> StatesAsync(NpgsqlDataSource database)
    {
        await using var count = database.CreateCommand("""
            SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'dead'), count(*) FILTER (WHERE state IN ('queued', 'failed')) FROM deliveries
            """);
        await using var reader = await count.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }
}
