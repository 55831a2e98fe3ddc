using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Gateway.Security;

/// <summary>
/// Exchanges API keys for tokens at Auth. Caches the results, also refusals, by the key's hash for <see cref="CacheLifetime"/>, which is
/// how long a revoked key may still work.
/// </summary>
internal sealed class ApiKeyTokens(IHttpClientFactory clients) : IDisposable
{
    public const string Client = "api-keys";

    private const string Marker = "kashif_";
    private const int KeyLength = 50;
    private static readonly TimeSpan CacheLifetime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ExchangeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Limits concurrent exchanges, so that invented keys cannot overload Auth.</summary>
    private readonly SemaphoreSlim _concurrency = new(32);
    private readonly MemoryCache _tokens = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    /// <summary>Exchanges in progress, shared by all requests with the same key.</summary>
    private readonly ConcurrentDictionary<string, Lazy<Task<string?>>> _pending = new(StringComparer.Ordinal);

    /// <summary>Whether the text has the prefix of a key.</summary>
    public static bool IsKey(string? text) => text?.StartsWith(Marker, StringComparison.Ordinal) == true;

    /// <summary>Whether an exchange needs no call to Auth.</summary>
    public bool IsCached(string key) => !IsWellFormed(key) || _tokens.TryGetValue(HashOf(key), out _);

    /// <returns>The token; null if the key is not valid.</returns>
    /// <exception cref="TimeoutException">Auth does not respond.</exception>
    public async Task<string?> ExchangeAsync(string key, CancellationToken cancellationToken)
    {
        if (!IsWellFormed(key))
        {
            return null;
        }

        var hash = HashOf(key);
        if (_tokens.TryGetValue(hash, out string? cached))
        {
            return cached;
        }

        try
        {
            return await _pending.GetOrAdd(hash, _ => new Lazy<Task<string?>>(() => ExchangeSharedAsync(hash, key))).Value.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("Auth did not respond to the exchange of an API key.", exception);
        }
    }

    public void Dispose()
    {
        _tokens.Dispose();
        _concurrency.Dispose();
    }

    private static bool IsWellFormed(string key) => IsKey(key) && key.Length == KeyLength && key.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;

    private static string HashOf(string key) => Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(key)));

    /// <summary>Without the first caller's cancellation token, because other callers share the exchange.</summary>
    private async Task<string?> ExchangeSharedAsync(string hash, string key)
    {
        try
        {
            if (_tokens.TryGetValue(hash, out string? cached))
            {
                return cached; // A previous exchange ended after the caller's check.
            }

            var token = await RequestTokenAsync(key);
            _tokens.Set(hash, token, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = CacheLifetime });
            return token;
        }
        finally
        {
            _pending.TryRemove(hash, out _);
        }
    }

    private async Task<string?> RequestTokenAsync(string key)
    {
        using var limit = new CancellationTokenSource(ExchangeTimeout);
        await _concurrency.WaitAsync(limit.Token);
        try
        {
            using var response = await clients.CreateClient(Client).PostAsJsonAsync(
                "/internal/v1/api-keys/exchange", new ApiKeyExchangeRequest(key), ApiKeyJson.Default.ApiKeyExchangeRequest, limit.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            response.EnsureSuccessStatusCode();
            return (await response.Content.ReadFromJsonAsync(ApiKeyJson.Default.ApiKeyExchangeResponse, limit.Token))?.AccessToken;
        }
        finally
        {
            _concurrency.Release();
        }
    }
}

internal sealed record ApiKeyExchangeRequest(string Key);

internal sealed record ApiKeyExchangeResponse(string AccessToken);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApiKeyExchangeRequest))]
[JsonSerializable(typeof(ApiKeyExchangeResponse))]
internal sealed partial class ApiKeyJson : JsonSerializerContext;
