using System.Net;
using System.Text.Json;
using Kashif.Testing;
using StackExchange.Redis;

namespace Kashif.Auth.Tests;

/// <summary>The list of refused tokens that Auth writes for the gateway, on a Redis of its own.</summary>
public sealed class TokenDenialTests(ThrottledServers servers) : IClassFixture<ThrottledServers>
{
    private const string Key = "kashif.denied-tokens";

    [Fact]
    public async Task The_list_names_ended_sessions_whatever_stood_there_before()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(servers.Redis.Cache);
        var database = redis.GetDatabase();
        using var client = servers.One.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var tokens = await client.LoginAsync(email);
        using var person = servers.One.With(tokens.Access);
        (await person.PostAsync("/api/v1/auth/logout-all", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        var session = Journey.SessionOf(tokens);
        await ListedAsync();

        await database.StringSetAsync(Key, "nonsense");
        await ListedAsync();

        await database.KeyDeleteAsync(Key);
        await database.ListRightPushAsync(Key, "of another type");
        await ListedAsync();

        Task ListedAsync() => Eventually.TrueAsync(
            async () => await database.KeyTypeAsync(Key) is RedisType.String && Sessions(await database.StringGetAsync(Key)).Contains(session), "the ended session in the list");
    }

    private static IEnumerable<Guid> Sessions(string? text)
    {
        try
        {
            return [.. JsonDocument.Parse(text ?? "").RootElement.GetProperty("sessions").EnumerateArray().Select(id => id.GetGuid())];
        }
        catch (JsonException)
        {
            return []; // not replaced yet
        }
    }
}
