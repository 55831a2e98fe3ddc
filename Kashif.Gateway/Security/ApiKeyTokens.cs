using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Caching.Memory;

namespace Kashif.Gateway.Security;

/// <summary>
/// Gets a token for an API key from Auth, and remembers the answer, also a no, for <see cref="Remembered"/>: that is how soon
/// a revocation counts. Keys are remembered by their hash.
/// </summary>
internal sealed class ApiKeyTokens(IHttpClientFactory clients) : IDisposable
{
    public const string Client = "api-keys";

    private const string Marker = "kashif_";
    private const int KeyLength = 50;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Keys that nobody has made cost Auth so many questions at once and no more.</summary>
    private readonly SemaphoreSlim _places = new(32);
    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    /// <summary>One question for all who come with a key at once.</summary>
    private readonly ConcurrentDictionary<string, Lazy<Task<string?>>> _questions = new(StringComparer.Ordinal);

    /// <summary>Whether it looks like a key at all.</summary>
    public static bool IsKey(string? text) => text?.StartsWith(Marker, StringComparison.Ordinal) == true;

    /// <summary>Whether an exchange would ask nobody.</summary>
    public bool Knows(string key) => !IsWellFormed(key) || _answers.TryGetValue(HashOf(key), out _);

    /// <returns>The token; null where the key is not good.</returns>
    /// <exception cref="TimeoutException">Auth does not say.</exception>
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
            throw new TimeoutException("Auth does not say whether an API key is good.", exception);
        }
    }

    public void Dispose()
    {
        _answers.Dispose();
        _places.Dispose();
    }

    private static bool IsWellFormed(string key) => IsKey(key) && key.Length == KeyLength && key.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;

    private static string HashOf(string key) => Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(key)));

    /// <summary>Not under the first caller's cancellation: others wait for it too.</summary>
    private async Task<string?> AskAsync(string hash, string key)
    {
        try
        {
            if (_answers.TryGetValue(hash, out string? known))
            {
                return known; // the question before has ended since the caller looked
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
