using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Security;

/// <summary>
/// Remembers tokens that have been validated, because checking an ES256 signature costs more than most requests. An entry
/// lives no longer than its token, and a minute at the most, which is how long a withdrawn signing key may outlive itself here.
/// </summary>
internal sealed class ValidatedTokens(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    public void Dispose() => _cache.Dispose();

    public Task OnMessageReceived(MessageReceivedContext context)
    {
        if (Token(context.Request.Headers.Authorization) is { } token && _cache.TryGetValue(token, out ClaimsPrincipal? principal))
        {
            context.Principal = principal;
            context.Success();
        }

        return Task.CompletedTask;
    }

    public Task OnTokenValidated(TokenValidatedContext context)
    {
        var now = time.GetUtcNow();
        var expires = new DateTimeOffset(DateTime.SpecifyKind(context.SecurityToken.ValidTo, DateTimeKind.Utc));
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

    private static string? Token(string? authorization) =>
        authorization?.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) == true ? authorization["Bearer ".Length..] : null;
}
