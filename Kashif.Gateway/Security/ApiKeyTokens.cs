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
    private readonly SemaphoreSlim _asking = new(32);
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = 20_000 });

    /// <summary>Whether it looks like a key at all.</summary>
    public static bool IsKey(string? text) => text?.StartsWith(Marker, StringComparison.Ordinal) == true;

    /// <returns>The token; null where the key is not good.</returns>
    /// <exception cref="TimeoutException">Auth does not say.</exception>
    public async Task<string?> ExchangeAsync(string key, CancellationToken cancellationToken)
    {
        if (!IsKey(key) || key.Length != KeyLength || key.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            return null;
        }

        // One question for all who come with the key at once.
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(key)));
        var asked = _cache.GetOrCreate(hash, entry =>
        {
            entry.Size = 1;
            entry.AbsoluteExpirationRelativeToNow = Remembered;
            return new Lazy<Task<string?>>(() => AskAsync(key));
        }) ?? throw new InvalidOperationException("The cache has lost what it was given.");
        try
        {
            return await asked.Value.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            _cache.Remove(hash);
            throw new TimeoutException("Auth does not say whether an API key is good.", exception);
        }
    }

    public void Dispose()
    {
        _cache.Dispose();
        _asking.Dispose();
    }

    /// <summary>Not under the first caller's cancellation: others wait for it too.</summary>
    private async Task<string?> AskAsync(string key)
    {
        using var limit = new CancellationTokenSource(Patience);
        await _asking.WaitAsync(limit.Token);
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
            _asking.Release();
        }
    }
}

internal sealed record ApiKeyQuestion(string Key);

internal sealed record ApiKeyAnswer(string AccessToken);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApiKeyQuestion))]
[JsonSerializable(typeof(ApiKeyAnswer))]
internal sealed partial class ApiKeyJson : JsonSerializerContext;
