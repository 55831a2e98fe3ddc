using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Cache;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Kashif.Security;

/// <summary>
/// Access tokens to refuse before they expire: of ended sessions, and with roles that their user no longer has. Auth reads the list from
/// its database and writes it to Redis every two seconds; the gateway reads it as often.
/// </summary>
/// <param name="Sessions">Sessions that have ended.</param>
/// <param name="Roles">The roles of users whose roles have changed; none for a disabled or deleted user.</param>
public sealed record TokenDenials(HashSet<Guid> Sessions, Dictionary<Guid, string[]> Roles)
{
    /// <summary>How often the list is written and read.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private const string WriteScript = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])";

    private static readonly RedisKey[] Key = ["kashif.denied-tokens"];

    /// <summary>Whether the token of this caller is refused.</summary>
    public bool Deny(ClaimsPrincipal caller) =>
        (caller.SessionId is { } session && Sessions.Contains(session))
        || (caller.UserIdOrNull is { } user && Roles.TryGetValue(user, out var roles)
            && (roles.Length == 0 || caller.FindAll(KashifClaims.Role).Any(role => !roles.Contains(role.Value))));

    /// <param name="lifetime">How long the longest access token lives: nothing needs the list for longer.</param>
    /// <returns>Nothing if Redis is unavailable.</returns>
    public async Task WriteAsync(RedisCircuit redis, TimeSpan lifetime, CancellationToken cancellationToken) => await redis.EvaluateAsync(
        WriteScript, Key, [JsonSerializer.Serialize(this, TokenDenialsJson.Default.TokenDenials), (long)lifetime.TotalMilliseconds], cancellationToken);

    /// <returns>Null if Redis is unavailable, or Auth has not written the list yet.</returns>
    internal static async Task<string?> ReadAsync(RedisCircuit redis, CancellationToken cancellationToken) =>
        (string?)await redis.EvaluateAsync("return redis.call('GET', KEYS[1])", Key, [], cancellationToken);

    /// <exception cref="JsonException">The text is not such a list.</exception>
    internal static TokenDenials Parse(string text) =>
        JsonSerializer.Deserialize(text, TokenDenialsJson.Default.TokenDenials) is { } denials && denials.Roles.Values.All(roles => roles is not null)
            ? denials
            : throw new JsonException("The list or the roles of a user are null.");
}

/// <summary>A copy of <see cref="TokenDenials"/> in memory, so that no request waits for Redis. Without Redis the last copy stays in use.</summary>
public sealed partial class DeniedTokens(RedisCircuit redis, ILogger<DeniedTokens> logger) : BackgroundService
{
    private volatile TokenDenials _denials = new([], []);
    private string? _text;

    /// <summary>Whether the token of this caller is refused.</summary>
    public bool Deny(ClaimsPrincipal caller) => _denials.Deny(caller);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TokenDenials.Interval);
        do
        {
            if (await TokenDenials.ReadAsync(redis, stoppingToken) is { } text && text != _text)
            {
                _text = text;
                Take(text);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Take(string text)
    {
        try
        {
            _denials = TokenDenials.Parse(text);
        }
        catch (JsonException exception)
        {
            Unreadable(logger, exception); // another version wrote it
        }
    }

    [LoggerMessage(EventId = 1502, Level = LogLevel.Error, Message = "The list of refused tokens cannot be read; using the last one")]
    private static partial void Unreadable(ILogger logger, Exception exception);
}

/// <summary>Refusing access tokens before they expire.</summary>
public static class DeniedTokensExtensions
{
    /// <summary>Refuses the tokens of <see cref="TokenDenials"/>. Needs Redis.</summary>
    public static IServiceCollection AddDeniedTokens(this IServiceCollection services) => services
        .AddSingleton<DeniedTokens>()
        .AddHostedService(provider => provider.GetRequiredService<DeniedTokens>());
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(TokenDenials))]
internal sealed partial class TokenDenialsJson : JsonSerializerContext;
