using System.Buffers.Text;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Security;

/// <summary>
/// Caches validated tokens, because verifying an ES256 signature costs more than most requests. An entry lives until its token expires,
/// but one minute at most: a revoked signing key stays valid for that long.
/// </summary>
internal sealed class ValidatedTokens(TokenValidationKeys keys, TimeProvider time, DeniedTokens? denied = null) : IDisposable
{
    private const int LongestHeader = 1000;
    private const string Denied = "The session has ended, or the user's roles have changed.";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    public void Dispose() => _cache.Dispose();

    public Task OnMessageReceived(MessageReceivedContext context)
    {
        if (Token(context.Request.Headers.Authorization) is not { } token)
        {
            return Task.CompletedTask;
        }

        if (_cache.TryGetValue(token, out ClaimsPrincipal? principal))
        {
            context.Principal = principal;
            if (principal is not null && denied?.Deny(principal) == true)
            {
                context.Fail(Denied);
            }
            else
            {
                context.Success();
            }

            return Task.CompletedTask;
        }

        return KeyIdOf(token) is { } key ? keys.RefreshIfUnknownAsync(key, context.HttpContext.RequestAborted) : Task.CompletedTask;
    }

    public Task OnTokenValidated(TokenValidatedContext context)
    {
        var now = time.GetUtcNow();
        var expires = new DateTimeOffset(DateTime.SpecifyKind(context.SecurityToken.ValidTo, DateTimeKind.Utc));
        if (context.Principal is { } caller && denied?.Deny(caller) == true)
        {
            context.Fail(Denied);
            return Task.CompletedTask;
        }

        if (expires > now && context.Principal is { } principal && Token(context.Request.Headers.Authorization) is { } token)
        {
            var lifetime = expires - now;
            _cache.Set(token, principal, new MemoryCacheEntryOptions
            {
                Size = 1,
                AbsoluteExpirationRelativeToNow = lifetime < Longest ? lifetime : Longest,
            });
        }

        return Task.CompletedTask;
    }

    /// <summary>The key id in the header of a token that is not validated yet.</summary>
    private static string? KeyIdOf(string token)
    {
        try
        {
            var header = token.AsSpan(0, Math.Max(0, token.IndexOf('.')));
            return header is { Length: > 0 and < LongestHeader }
                ? JsonSerializer.Deserialize(Base64Url.DecodeFromChars(header), TokenHeaderJson.Default.TokenHeader)?.Kid
                : null;
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return null;
        }
    }

    private static string? Token(string? authorization) =>
        authorization?.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) == true ? authorization["Bearer ".Length..] : null;
}

internal sealed record TokenHeader(string? Kid);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TokenHeader))]
internal sealed partial class TokenHeaderJson : JsonSerializerContext;
