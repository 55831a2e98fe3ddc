using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Kashif.Testing;
using Microsoft.AspNetCore.Identity;
using Npgsql;

namespace Kashif.Deployment.Tests;

/// <summary>Migrations as a deployment runs them: by the <c>migrate</c> command, before and beside services in Production.</summary>
public sealed class MigrationTests(DeploymentServers servers)
{
    private const string User = "01900000-0000-7000-9000-000000000001";
    private const string Report = "01900000-0000-7000-9000-000000000002";
    private const string Password = "a perfectly good password";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>For each service: rows as the version before the newest migration writes them, and a request that reads them.</summary>
    public static TheoryData<string, string, string, string> Rows => new()
    {
        {
            ResourceNames.Auth,
            $"""
            INSERT INTO users (id, email, normalized_email, email_confirmed, password_hash, security_stamp, access_failed_count, full_name, roles, language, created_at)
            VALUES ('{User}', 'amal@kashif.test', 'AMAL@KASHIF.TEST', true, '{new PasswordHasher<object>().HashPassword(new object(), Password)}', 'stamp', 0, 'Amal', ARRAY['citizen'], 'ar', now());
            INSERT INTO audit_log (id, user_id, action, occurred_at) VALUES ('{Report}', '{User}', 'login', now() - interval '400 days')
            """,
            "POST /api/v1/auth/token", "access_token"
        },
        {
            ResourceNames.Reporting,
            $"""
            INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
            VALUES ('{Report}', '{User}', 'A deep hole', '', 'pothole', 'submitted', 24.7, 46.7, now(), now(), 1)
            """,
            $"GET /api/v1/reports/{Report}", "A deep hole"
        },
        {
            ResourceNames.Gamification,
            $"""
            INSERT INTO balances (user_id, points, earned, spent, version, changed_at) VALUES ('{User}', 17, 20, 3, 2, now());
            INSERT INTO point_transactions (id, user_id, points, balance_after, cause, reason, created_at) VALUES
                ('{User}', '{User}', 20, 20, 'report:1', 'report_created', now()), ('{Report}', '{User}', -3, 17, 'redemption:1', 'redemption', now())
            """,
            $"GET /api/v1/gamification/points/{User}", "\"points\":17"
        },
        {
            ResourceNames.Coupons,
            $"""
            INSERT INTO companies (id, name, description) VALUES (101, 'Bakery', '');
            INSERT INTO categories (id, name, description) VALUES (101, 'Food', '');
            INSERT INTO coupons (id, title, description, company_id, category_id, points_cost, initial_stock, stock, restocked, created_at, starts_at)
            VALUES (101, 'Free bread', '', 101, 101, 5, 3, 2, 0, now(), now());
            INSERT INTO redemptions (id, coupon_id, user_id, points_cost, status, created_at, leased_until) VALUES ('{Report}', 101, '{User}', 5, 'reserved', now(), now())
            """,
            "GET /api/v1/coupons/101", "Free bread"
        },
        {
            ResourceNames.Notifications,
            $"INSERT INTO notifications (id, user_id, event_id, type, title, body, data, created_at) VALUES ('{Report}', '{User}', '{Report}', 'points.awarded', 'Ten points', '', '{"{}"}', now())",
            "GET /api/v1/notifications", "Ten points"
        },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Rows_of_the_former_schema_survive_the_newest_migration_both_ways_and_are_read(string service, string insert, string request, string expected)
    {
        var settings = servers.MinimalSettings(service, servers.NewDatabase());
        await using var database = NpgsqlDataSource.Create(settings[$"ConnectionStrings__{service}-db"]);
        await MigrateAsync(service, settings);
        var former = (await RowsAsync(database, "\"__EFMigrationsHistory\"", "\"MigrationId\"")) is [.., var last, _] ? last[(last.IndexOf('_', StringComparison.Ordinal) + 1)..] : "";

        await MigrateAsync(service, settings, "--to", former);
        await using (var rows = database.CreateCommand(insert))
        {
            await rows.ExecuteNonQueryAsync(Cancel);
        }

        var before = await SnapshotAsync(database);
        await MigrateAsync(service, settings);
        var after = await SnapshotAsync(database);
        before.Select(row => row.Table).ShouldBeSubsetOf(after.Select(row => row.Table)); // A migration may add rows to new tables.

        await MigrateAsync(service, settings, "--to", former);
        (await SnapshotAsync(database)).ShouldBe(before);
        await MigrateAsync(service, settings);
        (await SnapshotAsync(database)).ShouldBe(after);

        await using var process = await ServiceProcess.Start(service, settings).HealthyAsync();
        process.Client.DefaultRequestHeaders.Authorization = request.StartsWith("POST", StringComparison.Ordinal)
            ? null : new AuthenticationHeaderValue("Bearer", servers.Issuer.TokenFor(Guid.Parse(User)));
        using var message = new HttpRequestMessage(HttpMethod.Parse(request.Split(' ')[0]), request.Split(' ')[1]);
        message.Content = message.Method == HttpMethod.Post ? new FormUrlEncodedContent([new("username", "amal@kashif.test"), new("password", Password)]) : null;
        using var response = await process.Client.SendAsync(message, Cancel);
        var body = await response.Content.ReadAsStringAsync(Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, body);
        body.ShouldContain(expected);
    }

    [Fact]
    public async Task Replicas_that_migrate_an_empty_database_at_once_all_succeed()
    {
        var settings = servers.MinimalSettings(ResourceNames.Auth, servers.NewDatabase());

        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ServiceProcess.RunAsync(ResourceNames.Auth, settings, "migrate")));

        runs.ShouldAllBe(run => run.ExitCode == 0, string.Join('\n', runs.Select(run => run.Output)));
        await using var database = NpgsqlDataSource.Create(settings[$"ConnectionStrings__{ResourceNames.AuthDb}"]);
        (await RowsAsync(database, "\"__EFMigrationsHistory\"", "\"MigrationId\"")).ShouldBeUnique();
    }

    [Fact]
    public async Task Replicas_that_migrate_at_their_start_all_serve()
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
        settings["Database__MigrateAtStart"] = "true";

        var processes = Enumerable.Range(0, 3).Select(_ => ServiceProcess.Start(ResourceNames.Reporting, settings)).ToArray();
        try
        {
            await Task.WhenAll(processes.Select(process => process.HealthyAsync()));
        }
        finally
        {
            foreach (var process in processes)
            {
                await process.DisposeAsync();
            }
        }
    }

    [Theory]
    [InlineData("Nowhere")]
    [InlineData("0")]
    public async Task An_unknown_migration_is_refused_with_the_names_of_the_known_ones(string name)
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());

        var (exitCode, output) = await ServiceProcess.RunAsync(ResourceNames.Reporting, settings, "migrate", "--to", name);

        exitCode.ShouldBe(2);
        output.ShouldContain($"Unknown migration '{name}'. This version has: Initial, Geography,");
    }

    [Fact]
    public async Task A_command_that_fails_ends_with_1()
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, "Host=127.0.0.1;Port=1;Database=none");

        var (exitCode, output) = await ServiceProcess.RunAsync(ResourceNames.Reporting, settings, "migrate");

        exitCode.ShouldBe(1);
        output.ShouldContain("migrate failed:");
    }

    [Fact]
    public async Task A_service_whose_schema_is_missing_or_behind_waits_for_it()
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
        await using var process = ServiceProcess.Start(ResourceNames.Reporting, settings);

        await process.HealthyAsync("/alive");
        (await process.StatusAsync("/health")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await process.StatusAsync("/ready")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var refused = await process.Client.GetAsync("/api/v1/reports", Cancel);
        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        refused.Headers.RetryAfter.ShouldNotBeNull();
        JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Cancel)).RootElement.GetProperty("code").GetString().ShouldBe("unavailable");
        await Eventually.TrueAsync(
            () => process.Output.Contains("PlacesInMemory. Not serving until it is there; run this version's migrations: dotnet Kashif.Reporting.dll migrate", StringComparison.Ordinal),
            "the log of what is missing");

        await MigrateAsync(ResourceNames.Reporting, settings, "--to", "Geography");
        await Eventually.TrueAsync(() => process.Output.Contains("The schema lacks RoadDamage, ", StringComparison.Ordinal), "the log of what is missing");
        (await process.StatusAsync("/health")).ShouldBe(HttpStatusCode.ServiceUnavailable);

        await MigrateAsync(ResourceNames.Reporting, settings);
        await process.HealthyAsync();
        (await process.StatusAsync("/api/v1/reports")).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_service_that_waits_ends_at_SIGTERM()
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
        await using var process = await ServiceProcess.Start(ResourceNames.Reporting, settings).HealthyAsync("/alive");

        (await process.StopAsync()).ShouldBe(0, process.Output);
    }

    [Fact]
    public async Task A_version_beside_a_newer_one_accepts_the_newer_schema()
    {
        var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
        await MigrateAsync(ResourceNames.Reporting, settings);
        await using var database = NpgsqlDataSource.Create(settings[$"ConnectionStrings__{ResourceNames.ReportingDb}"]);
        await using (var later = database.CreateCommand("""
            ALTER TABLE reports ADD COLUMN added_later text; INSERT INTO "__EFMigrationsHistory" VALUES ('29990101000000_Later', '10.0.0')
            """))
        {
            await later.ExecuteNonQueryAsync(Cancel);
        }

        await using var process = await ServiceProcess.Start(ResourceNames.Reporting, settings).HealthyAsync();
        (await process.StatusAsync("/api/v1/reports")).ShouldBe(HttpStatusCode.OK);
        (await MigrateAsync(ResourceNames.Reporting, settings)).ShouldContain("The schema is at 29990101000000_Later.");

        var (exitCode, output) = await ServiceProcess.RunAsync(ResourceNames.Reporting, settings, "migrate", "--to", "Geography");
        exitCode.ShouldBe(2);
        output.ShouldContain("does not know 29990101000000_Later");
    }

    private static async Task<string> MigrateAsync(string service, Dictionary<string, string> settings, params string[] options)
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(service, settings, ["migrate", .. options]);
        exitCode.ShouldBe(0, output);
        return output;
    }

    /// <summary>The rows of all tables as JSON.</summary>
    private static async Task<List<(string Table, string Row)>> SnapshotAsync(NpgsqlDataSource database)
    {
        var rows = new List<(string Table, string Row)>();
        foreach (var table in await RowsAsync(
            database, "information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '__EFMigrationsHistory'", "table_name::text"))
        {
            rows.AddRange((await RowsAsync(database, $"\"{table}\" AS row", "to_jsonb(row)::text")).Select(row => (table, row)));
        }

        return rows;
    }

    private static async Task<List<string>> RowsAsync(NpgsqlDataSource database, string from, string column)
    {
        await using var command = database.CreateCommand($"SELECT {column} FROM {from} ORDER BY 1");
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }
}
