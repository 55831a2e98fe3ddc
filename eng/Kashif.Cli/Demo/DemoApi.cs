using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Kashif.Cli.Demo;

/// <summary>The answer of the API.</summary>
internal sealed record Answer(int Status, JsonElement Body, bool IsReplay)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    public string? Code => Text("code");

    public string? Text(string name) => Body.ValueKind is JsonValueKind.Object && Body.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    public IEnumerable<JsonElement> Items => Body.ValueKind is JsonValueKind.Object && Body.TryGetProperty("items", out var items) ? items.EnumerateArray() : [];
}

/// <summary>Calls the public API as a client does: with tokens of real accounts, and as fast as the rate limits allow.</summary>
internal sealed class DemoApi(Uri address, string password) : IDisposable
{
    private const int Attempts = 40;
    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = TimeSpan.FromSeconds(100) };
    private readonly ConcurrentDictionary<string, int> _added = new();
    private readonly ConcurrentDictionary<string, bool> _missing = new();

    public Uri Address => address;

    /// <summary>What this run has added, by kind.</summary>
    public IReadOnlyDictionary<string, int> Added => _added;

    /// <summary>Counts what was added.</summary>
    public void Count(string what, int count = 1) => _added.AddOrUpdate(what, count, (_, before) => before + count);

    /// <param name="user">Null for a call without an account.</param>
    /// <param name="body">An object to send as JSON, or the bytes of a PNG; null for none.</param>
    /// <param name="version">What <c>If-Match</c> names; null for any.</param>
    public async Task<Answer> SendAsync(HttpMethod method, string path, Person? user, object? body = null, string? key = null, int? version = null)
    {
        var isRetry = false;
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(method, $"/api/v1/{path}") { Content = ContentOf(body) };
            if (user is not null)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(user));
            }

            if (key is not null)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            if (version is not null)
            {
                request.Headers.IfMatch.Add(new EntityTagHeaderValue(FormattableString.Invariant($"\"{version}\"")));
            }

            using var response = await SendAsync(request);
            if (response.StatusCode is HttpStatusCode.Unauthorized && user is not null && !isRetry)
            {
                (isRetry, user.Token) = (true, null); // the token has expired
                continue;
            }

            if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter?.Delta is { } wait && wait < TimeSpan.FromMinutes(2) && attempt < Attempts)
            {
                await Task.Delay(wait + TimeSpan.FromMilliseconds(100));
                continue;
            }

            var text = await response.Content.ReadAsStringAsync();
            var isJson = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
            return new Answer((int)response.StatusCode, isJson ? JsonSerializer.Deserialize<JsonElement>(text) : default, response.Headers.Contains("Idempotency-Replayed"));
        }
    }

    public Task<Answer> GetAsync(string path, Person? user = null) => SendAsync(HttpMethod.Get, path, user);

    /// <summary>All items of a list.</summary>
    /// <param name="path">With a question mark.</param>
    /// <returns>Null if the system does not have the route, which is said once.</returns>
    public async Task<List<JsonElement>?> ListAsync(string path, Person? user = null)
    {
        var items = new List<JsonElement>();
        for (var cursor = ""; ;)
        {
            var page = await GetAsync($"{path}&limit=100{cursor}", user);
            if (page.Status == 404)
            {
                Skip(path.Split('?')[0]);
                return null;
            }

            Check(page, "GET", path);
            items.AddRange(page.Items);
            if (page.Text("next_cursor") is not { } next)
            {
                return items;
            }

            cursor = $"&cursor={Uri.EscapeDataString(next)}";
        }
    }

    /// <summary>Adds something, and counts it.</summary>
    /// <param name="what">In the plural.</param>
    /// <param name="ignored">Codes of answers that mean that there is nothing to add any more.</param>
    /// <returns>The answer, also of an ignored failure.</returns>
    /// <exception cref="CliException">The system refuses it.</exception>
    public async Task<Answer> AddAsync(string what, HttpMethod method, string path, Person? user, object? body = null, string? key = null, string[]? ignored = null, int? version = null)
    {
        var answer = await SendAsync(method, path, user, body, key, version);
        if (answer.IsSuccess)
        {
            Count(what, answer.IsReplay ? 0 : 1);
        }
        else if (answer.Code is not { } code || ignored?.Contains(code) != true)
        {
            Check(answer, method.Method, path);
        }

        return answer;
    }

    public static void Check(Answer answer, string method, string path)
    {
        if (!answer.IsSuccess)
        {
            throw new CliException($"{method} {path} answered {answer.Status} {answer.Code}: {(answer.Body.ValueKind is JsonValueKind.Object ? answer.Body.ToString() : "")}\nRun the demo again: it goes on where it ended.");
        }
    }

    /// <summary>Says once that the system does not have a route.</summary>
    public void Skip(string route)
    {
        if (_missing.TryAdd(route, true))
        {
            Console.Error.WriteLine($"  skipped: this system has no /{route}");
        }
    }

    public void Dispose() => _http.Dispose();

    private static HttpContent? ContentOf(object? body)
    {
        if (body is not byte[] picture)
        {
            return body is null ? null : JsonContent.Create(body);
        }

        var content = new ByteArrayContent(picture);
        content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        return content;
    }

    private async Task<string> TokenAsync(Person user)
    {
        await user.SigningIn.WaitAsync();
        try
        {
            return user.Token ??= await SignInAsync(user);
        }
        finally
        {
            user.SigningIn.Release();
        }
    }

    private async Task<string> SignInAsync(Person user)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/token")
            {
                Content = new FormUrlEncodedContent([new("username", user.Email), new("password", user.Password ?? password)]),
            };
            using var response = await SendAsync(request);
            if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter?.Delta is { } wait && wait < TimeSpan.FromMinutes(2) && attempt < Attempts)
            {
                await Task.Delay(wait + TimeSpan.FromMilliseconds(100));
                continue;
            }

            var body = await response.Content.ReadFromJsonAsync<JsonElement>();
            return body.TryGetProperty("access_token", out var token) && token.GetString() is { } value
                ? value
                : throw new CliException($"{user.Email} cannot sign in: {(int)response.StatusCode} {body}");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        try
        {
            return await _http.SendAsync(request);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            throw new CliException($"{address} does not answer: {exception.Message}\nRun the demo again: it goes on where it ended.");
        }
    }
}
