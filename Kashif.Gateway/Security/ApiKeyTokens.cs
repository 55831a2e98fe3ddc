using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Gateway.Security;

/// <summary>
/// Exchanges API keys for tokens at Auth. Caches the results, also refusals, by the key's hash for <see cref="Remembered"/>, which is
/// how long a revoked key may still work.
/// </summary>
internal sealed class ApiKeyTokens(IHttpClientFactory clients) : IDisposable
{
    public const string Client = "api-keys";

    private const string Marker = "kashif_";
    private const int KeyLength = 50;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Limits concurrent exchanges, so that invented keys cannot overload Auth.</summary>
    private readonly SemaphoreSlim _places = new(32);
    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    /// <summary>Exchanges in progress, shared by all requests with the same key.</summary>
    private readonly ConcurrentDictionary<string, Lazy<Task<string?>>> _questions = new(StringComparer.Ordinal);

    /// <summary>Whether the text has the prefix of a key.</summary>
    public static bool IsKey(string? text) => text?.StartsWith(Marker, StringComparison.Ordinal) == true;

    /// <summary>Whether an exchange needs no call to Auth.</summary>
    public bool Knows(string key) => !IsWellFormed(key) || _answers.TryGetValue(HashOf(key), out _);

    /// <returns>The token; null if the key is not valid.</returns>
    /// <exception cref="TimeoutException">Auth does not respond.</exception>
    public async Task<string?> ExchangeAsync(string key, CancellationToken cancellationToken)
    {
        if (!IsWellFormed(key))
        {
            return null;
        }

        var hash = HashOf(key);
        if (_answers.TryGetValue(hash, out string? known))
        {
            return known;
        }

        try
        {
            return await _questions.GetOrAdd(hash, _ => new Lazy<Task<string?>>(() => AskAsync(hash, key))).Value.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("Auth did not respond to the exchange of an API key.", exception);
        }
    }

    public void Dispose()
    {
        _answers.Dispose();
        _places.Dispose();
    }

    private static bool IsWellFormed(string key) => IsKey(key) && key.Length == KeyLength && key.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;

    private static string HashOf(string key) => Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(key)));

    /// <summary>Without the first caller's cancellation token, because other callers share the exchange.</summary>
    private async Task<string?> AskAsync(string hash, string key)
    {
        try
        {
            if (_answers.TryGetValue(hash, out string? known))
            {
                return known; // A previous exchange ended after the caller's check.
            }

            var token = await AskAsync(key);
            _answers.Set(hash, token, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = Remembered });
            return token;
        }
        finally
        {
            _questions.TryRemove(hash, out _);
        }
    }

    private async Task<string?> AskAsync(string key)
    {
        using var limit = new CancellationTokenSource(Patience);
        await _places.WaitAsync(limit.Token);
        try
        {
            using var response = await clients.CreateClient(Client).PostAsJsonAsync(
                "/internal/v1/api-keys/exchange", new ApiKeyQuestion(key), ApiKeyJson.Default.ApiKeyQuestion, limit.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            response.EnsureSuccessStatusCode();
            return (await response.Content.ReadFromJsonAsync(ApiKeyJson.Default.ApiKeyAnswer, limit.Token))?.AccessToken;
        }
        finally
        {
            _places.Release();
        }
    }
}

internal sealed record ApiKeyQuestion(string Key);

internal sealed record ApiKeyAnswer(string AccessToken);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApiKeyQuestion))]
[JsonSerializable(typeof(ApiKeyAnswer))]
internal sealed partial class ApiKeyJson : JsonSerializerContext;
