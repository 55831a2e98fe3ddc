using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;

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

    private Task<List<Guid>> OwnersAsync(string token) => Service.QueryAsync(
        database => database.Devices.Where(device => device.Token == token).Select(device => device.UserId).ToListAsync(Cancel));
}
