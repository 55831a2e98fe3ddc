using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>Rotation of the signing keys.</summary>
public sealed class KeyRotationTests(AuthServers servers)
{
    private static readonly (string, string?)[] Fast = [("Auth:KeyRotation:Propagation", "00:00:05"), ("Auth:KeyRotation:Poll", "00:00:00.5")];

    /// <summary>Between two requests of a loop: unpaced loops keep a small machine from reading keys in time.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    [Fact]
    public async Task Rotation_under_load_fails_no_request()
    {
        await using var first = await servers.StartAsync(settings: Fast);
        await using var second = await servers.StartAsync(first.Database, settings: Fast);
        await using var other = await StartOtherServiceAsync(first, second);
        var otherAddress = new Uri(other.Urls.First());
        using var admin = await AdminAsync(first);
        var (email, _) = await first.Anonymous().RegisterAsync();

        var tokens = new ConcurrentQueue<string>();
        var failures = new ConcurrentQueue<string>();
        var answered = 0;
        using var done = new CancellationTokenSource();
        var newest = await first.Anonymous().LoginAsync(email);
        tokens.Enqueue(newest.Access);
        var issuing = Task.Run(async () =>
        {
            ServiceHost<Program>[] hosts = [first, second];
            for (var turn = 0; !done.IsCancellationRequested; turn++)
            {
                newest = await hosts[turn % 2].Anonymous().RefreshAsync(newest.Refresh);
                tokens.Enqueue(newest.Access);
                await Task.Delay(Pace, TestContext.Current.CancellationToken);
            }
        });
        (Uri, string)[] targets = [(first.Address, "/api/v1/auth/me"), (second.Address, "/api/v1/auth/me"), (otherAddress, "/")];
        var load = targets.SelectMany(target => Enumerable.Range(0, 2).Select(worker => Task.Run(async () =>
        {
            using var client = new HttpClient { BaseAddress = target.Item1 };
            for (var turn = worker; !done.IsCancellationRequested; turn++)
            {
                // Alternate between the newest token, whose key services may not know yet, and an older one.
                var known = tokens.ToArray();
                var token = turn % 2 == 0 ? known[^1] : known[turn * 7919 % known.Length];
                using var request = new HttpRequestMessage(HttpMethod.Get, target.Item2) { Headers = { Authorization = new("Bearer", token) } };
                using var response = await client.SendAsync(request);
                Interlocked.Increment(ref answered);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    failures.Enqueue($"{target} answered {(int)response.StatusCode} to a token of {KeyIdOf(token)}");
                }

                await Task.Delay(Pace, TestContext.Current.CancellationToken);
            }
        }))).ToArray();

        var keys = new List<string> { KeyIdOf(newest.Access) };
        for (var rotation = 0; rotation < 3; rotation++)
        {
            // Both replicas rotate in parallel and make one key.
            using var onSecond = second.With(admin.DefaultRequestHeaders.Authorization?.Parameter ?? "");
            var made = await Task.WhenAll(RotateAsync(admin), RotateAsync(onSecond));
            made.Distinct().Count().ShouldBe(1);
            keys.Add(made[0]);
            await Eventually.TrueAsync(() => KeyIdOf(newest.Access) == made[0], "the new key to sign");
        }

        await done.CancelAsync();
        await Task.WhenAll([issuing, .. load]);
        failures.ShouldBeEmpty();
        keys.Distinct().Count().ShouldBe(4);
        tokens.Select(KeyIdOf).Distinct().ShouldBe(keys, ignoreOrder: true);
        answered.ShouldBeGreaterThan(100);
        await Eventually.TrueAsync(async () => (await KeyIdsAsync(second)).Contains(keys[^1]), "the other replica to publish the last key");
        (await KeyIdsAsync(second)).ShouldBe(keys, ignoreOrder: true, "the former keys are published as long as their tokens live");
        (await CountAsync(first, "SELECT count(*) FROM audit_log WHERE action = 'signing_key_rotated' AND user_id <> '00000000-0000-0000-0000-000000000000'")).ShouldBe(3);
    }

    [Fact]
    public async Task Emergency_rotation_invalidates_keys_and_tokens_at_once()
    {
        await using var first = await servers.StartAsync();
        await using var second = await servers.StartAsync(first.Database);
        await using var other = await StartOtherServiceAsync(first, second);
        using var admin = await AdminAsync(first);
        var (email, _) = await first.Anonymous().RegisterAsync();
        var stolen = await first.Anonymous().LoginAsync(email);
        var before = KeyIdOf(stolen.Access);

        var made = await RotateAsync(admin, emergency: true);

        made.ShouldNotBe(before);
        (await first.With(stolen.Access).MeAsync()).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await KeyIdsAsync(first)).ShouldBe([made]);
        await Eventually.TrueAsync(async () => (await KeyIdsAsync(second)).SequenceEqual([made]), "the other replica to read the key");
        (await second.With(stolen.Access).MeAsync()).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        // The session still works, and its new token is accepted although no service has read the new key yet.
        var renewed = await first.Anonymous().RefreshAsync(stolen.Refresh);
        KeyIdOf(renewed.Access).ShouldBe(made);
        using var client = new HttpClient { BaseAddress = new Uri(other.Urls.First()), DefaultRequestHeaders = { Authorization = new("Bearer", renewed.Access) } };
        (await client.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Scheduled_rotation_happens_once_for_all_replicas()
    {
        (string, string?)[] settings =
            [("Auth:KeyRotation:Every", "00:00:08"), ("Auth:KeyRotation:Propagation", "00:00:01"), ("Auth:KeyRotation:Poll", "00:00:00.2")];
        await using var first = await servers.StartAsync(settings: settings);
        var before = (await KeyIdsAsync(first))[0];
        await using var second = await servers.StartAsync(first.Database, settings: settings);

        foreach (var replica in (ServiceHost<Program>[])[first, second])
        {
            await Eventually.TrueAsync(async () => (await KeyIdsAsync(replica)).Count > 1, "a second key");
            (await KeyIdsAsync(replica)).ShouldContain(before);
        }

        // There may be several keys by now, but one for each interval.
        (await CountAsync(first, "SELECT count(*) FROM signing_keys a JOIN signing_keys b ON a.id <> b.id AND abs(extract(epoch FROM a.active_from - b.active_from)) < 8")).ShouldBe(0);
    }

    [Fact]
    public async Task Rotation_requires_a_signed_in_admin()
    {
        var (email, _) = await servers.Auth.Anonymous().RegisterAsync();
        using var citizen = servers.Auth.With((await servers.Auth.Anonymous().LoginAsync(email)).Access);
        (await citizen.PostAsJsonAsync("/api/v1/auth/keys/rotate", new { }, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Theory]
    [InlineData("Auth:KeyRotation:Every", "00:01:00")]
    [InlineData("Auth:KeyRotation:Propagation", "00:00:10")]
    public async Task Unsafe_rotation_times_stop_the_start(string key, string value) =>
        (await Should.ThrowAsync<Exception>(() => servers.StartAsync(settings: (key, value)))).GetBaseException().Message.ShouldContain(key);

    private static async Task<HttpClient> AdminAsync(ServiceHost<Program> host) =>
        host.With((await host.Anonymous().LoginAsync(AuthServers.AdminEmail, AuthServers.AdminPassword)).Access);

    /// <returns>The new key's id.</returns>
    private static async Task<string> RotateAsync(HttpClient admin, bool emergency = false)
    {
        using var response = await admin.PostAsJsonAsync("/api/v1/auth/keys/rotate", new { emergency });
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return (await response.JsonAsync()).GetProperty("key_id").GetString() ?? "";
    }

    /// <summary>A service that finds both replicas of Auth by service discovery.</summary>
    private static async Task<WebApplication> StartOtherServiceAsync(ServiceHost<Program> first, ServiceHost<Program> second)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration[$"services:{ResourceNames.Auth}:http:0"] = first.Address.ToString();
        builder.Configuration[$"services:{ResourceNames.Auth}:http:1"] = second.Address.ToString();
        builder.AddServiceDefaults(ResourceNames.Reporting);
        builder.AddKashifAuthentication();
        var app = builder.Build();
        app.UseServiceDefaults();
        app.MapGet("/", () => TypedResults.Ok()).RequireAuthorization();
        await app.StartAsync();
        return app;
    }

    private static string KeyIdOf(string token)
    {
        var header = token[..token.IndexOf('.')];
        return JsonSerializer.Deserialize<JsonElement>(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(header))).GetProperty("kid").GetString() ?? "";
    }

    private static async Task<List<string>> KeyIdsAsync(ServiceHost<Program> host)
    {
        using var client = host.Anonymous();
        var keys = await client.GetFromJsonAsync<JsonElement>("/api/v1/auth/.well-known/jwks.json");
        return [.. keys.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString() ?? "")];
    }

    private static async Task<long> CountAsync(ServiceHost<Program> host, string sql)
    {
        await using var source = NpgsqlDataSource.Create(host.Database);
        return (long)(await source.CreateCommand(sql).ExecuteScalarAsync() ?? 0L);
    }
}
