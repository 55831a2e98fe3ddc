using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Notifications.Devices;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kashif.Notifications.Tests;

public sealed class DeviceTests(SharedService shared) : IClassFixture<SharedService>
{
    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ios")]
    [InlineData("android")]
    [InlineData("web")]
    public async Task Registering_a_device_twice_keeps_one_device(string type)
    {
        var user = Guid.CreateVersion7();

        using var first = await Service.RegisterAsync(user, $"token-{type}", type);
        using var second = await Service.RegisterAsync(user, $"token-{type}", type);

        first.StatusCode.ShouldBe(HttpStatusCode.Created);
        second.StatusCode.ShouldBe(HttpStatusCode.OK);
        var body = await second.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        body.GetProperty("device_type").GetString().ShouldBe(type);
        body.TryGetProperty("token", out _).ShouldBeFalse();
        (await OwnersAsync($"token-{type}")).ShouldBe([user]);
    }

    [Fact]
    public async Task Concurrent_registrations_create_one_device()
    {
        var user = Guid.CreateVersion7();

        var responses = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Service.RegisterAsync(user, "parallel")));

        responses.Count(response => response.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        responses.Count(response => response.StatusCode == HttpStatusCode.OK).ShouldBe(15);
        (await OwnersAsync("parallel")).ShouldBe([user]);
    }

    [Fact]
    public async Task A_device_belongs_to_the_last_user_who_registered_it()
    {
        var first = Guid.CreateVersion7();
        var second = Guid.CreateVersion7();

        using var one = await Service.RegisterAsync(first, "shared");
        using var two = await Service.RegisterAsync(second, "shared", "ios");

        (await OwnersAsync("shared")).ShouldBe([second]);
        using var gone = await Service.UnregisterAsync(first, "shared");
        gone.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("with/slash:and+more=%")]
    public async Task Only_the_owner_can_unregister_a_device(string token)
    {
        var user = Guid.CreateVersion7();
        using var registered = await Service.RegisterAsync(user, token);

        using var stranger = await Service.UnregisterAsync(Guid.CreateVersion7(), token);
        using var owner = await Service.UnregisterAsync(user, token);
        using var again = await Service.UnregisterAsync(user, token);

        stranger.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        owner.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        again.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_token_over_the_maximum_length_is_rejected()
    {
        var user = Guid.CreateVersion7();
        var longest = Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(2048));

        using var taken = await Service.RegisterAsync(user, longest);
        using var refused = await Service.RegisterAsync(user, longest + "0");
        using var removed = await Service.UnregisterAsync(user, longest);

        taken.StatusCode.ShouldBe(HttpStatusCode.Created);
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        removed.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Theory]
    [InlineData("""{}""", "token", "device_type")]
    [InlineData("""{"token":"","device_type":"ios"}""", "token")]
    [InlineData("""{"token":"  ","device_type":"ios"}""", "token")]
    [InlineData("""{"token":null,"device_type":"toaster"}""", "token", "device_type")]
    [InlineData("""{"token":"t","device_type":1}""", "device_type")]
    [InlineData("""{"token":"a\u0000b","device_type":"ios"}""", "token")]
    public async Task An_invalid_body_returns_400_with_every_bad_field(string body, params string[] fields)
    {
        using var client = Service.As(Guid.CreateVersion7());
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using var response = await client.PostAsync("/api/v1/notifications/register-device", content, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(fields, ignoreOrder: true);
    }

    [Fact]
    public async Task A_repeated_idempotency_key_replays_the_first_response()
    {
        using var client = Service.As(Guid.CreateVersion7());
        client.DefaultRequestHeaders.Add("Idempotency-Key", "device-1");
        var body = new { token = "keyed", device_type = "web" };

        using var first = await client.PostAsJsonAsync("/api/v1/notifications/register-device", body, Cancel);
        using var replay = await client.PostAsJsonAsync("/api/v1/notifications/register-device", body, Cancel);

        first.StatusCode.ShouldBe(HttpStatusCode.Created);
        replay.StatusCode.ShouldBe(HttpStatusCode.Created);
        replay.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (await replay.Content.ReadAsStringAsync(Cancel)).ShouldBe(await first.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task A_device_goes_with_its_session()
    {
        var user = Guid.CreateVersion7();
        var (ended, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var phone = await Service.RegisterAsync(user, "phone", session: ended);
        using var tablet = await Service.RegisterAsync(user, "tablet", session: other);
        using var old = await Service.RegisterAsync(user, "without a session");
        var signedOut = new UserSignedOut(user, [ended], Everywhere: false);
        var eventId = Guid.CreateVersion7();

        await Service.PublishAsync(signedOut, eventId);
        await Service.PublishAsync(signedOut, eventId);

        await Eventually.TrueAsync(async () => (await OwnersAsync("phone")).Count == 0, "the removal of the device");
        (await TokensAsync(user)).ShouldBe(["tablet", "without a session"]);
    }

    [Fact]
    public async Task Devices_without_a_session_or_of_an_expired_one_go_when_all_sessions_end()
    {
        var user = Guid.CreateVersion7();
        var (first, second, next) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        using var phone = await Service.RegisterAsync(user, "phone 2", session: first);
        using var tablet = await Service.RegisterAsync(user, "tablet 2", session: second);
        using var old = await Service.RegisterAsync(user, "old 2");
        var now = TimeProvider.System.GetUtcNow();
        using var newer = await Service.RegisterAsync(user, "newer 2", session: next);
        using var program = await Service.RegisterAsync(user, "program 2");

        // The second session has expired, so the event does not name it.
        await Service.PublishAsync(new UserSignedOut(user, [first], Everywhere: true), time: now);

        await Eventually.TrueAsync(async () => (await OwnersAsync("old 2")).Count == 0, "the removal of the devices");
        (await TokensAsync(user)).ShouldBe(["newer 2", "program 2"]);
    }

    [Fact]
    public async Task A_token_of_an_ended_session_registers_no_device()
    {
        var user = Guid.CreateVersion7();
        var (ended, next) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await Service.PublishAsync(new UserSignedOut(user, [ended], Everywhere: false));
        await Eventually.TrueAsync(async () => await Service.QueryAsync(database => database.EndedSessions.AnyAsync(session => session.SessionId == ended, Cancel)), "the event");

        using var late = await Service.RegisterAsync(user, "late", session: ended);
        using var again = await Service.RegisterAsync(user, "late", session: next);
        using var taken = await Service.RegisterAsync(user, "late", session: ended);

        late.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await late.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("session_ended");
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        taken.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await OwnersAsync("late")).ShouldBe([user]);
    }

    [Fact]
    public async Task A_registration_while_its_session_ends_leaves_no_device()
    {
        var user = Guid.CreateVersion7();
        var sessions = Enumerable.Range(0, 10).Select(_ => Guid.CreateVersion7()).ToArray();

        var registrations = sessions.Select(async session => (await Service.RegisterAsync(user, $"racing {session}", session: session)).Dispose());
        await Task.WhenAll([.. registrations, .. sessions.Select(session => Service.PublishAsync(new UserSignedOut(user, [session], Everywhere: false)))]);

        await Eventually.TrueAsync(
            async () => await Service.QueryAsync(database => database.EndedSessions.CountAsync(session => sessions.Contains(session.SessionId), Cancel)) == sessions.Length, "the events");
        (await TokensAsync(user)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_device_registered_longest_ago_gives_way_to_another()
    {
        var user = Guid.CreateVersion7();
        for (var number = 0; number < Device.MaxPerUser; number++)
        {
            (await Service.RegisterAsync(user, $"device {number:D2}")).Dispose();
        }

        using var used = await Service.RegisterAsync(user, "device 00");
        (await TokensAsync(user)).Count.ShouldBe(Device.MaxPerUser);
        using var another = await Service.RegisterAsync(user, "device 99");

        another.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await TokensAsync(user)).ShouldBe(["device 00", .. Enumerable.Range(2, Device.MaxPerUser - 2).Select(number => $"device {number:D2}"), "device 99"]);
    }

    [Fact]
    public async Task Ended_sessions_are_forgotten_after_a_week()
    {
        var (old, recent) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var now = TimeProvider.System.GetUtcNow();
        await Service.QueryAsync(async database =>
        {
            database.EndedSessions.AddRange(new EndedSession { SessionId = old, EndedAt = now.AddDays(-8) }, new EndedSession { SessionId = recent, EndedAt = now.AddDays(-6) });
            return await database.SaveChangesAsync(Cancel);
        });

        await Service.Services.GetServices<IHostedService>().OfType<EndedSessionCleanup>().Single().RunOnceAsync(Cancel);

        (await Service.QueryAsync(database => database.EndedSessions.Where(session => session.SessionId == old || session.SessionId == recent)
            .Select(session => session.SessionId).ToListAsync(Cancel))).ShouldBe([recent]);
    }

    private Task<List<string>> TokensAsync(Guid user) => Service.QueryAsync(
        database => database.Devices.Where(device => device.UserId == user).Select(device => device.Token).OrderBy(token => token).ToListAsync(Cancel));

    private Task<List<Guid>> OwnersAsync(string token) => Service.QueryAsync(
        database => database.Devices.Where(device => device.Token == token).Select(device => device.UserId).ToListAsync(Cancel));
}
