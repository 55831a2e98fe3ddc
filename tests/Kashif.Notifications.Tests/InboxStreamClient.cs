using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Kashif.Testing;

namespace Kashif.Notifications.Tests;

/// <summary>A client of the live stream, which reads in the background.</summary>
internal sealed class InboxStreamClient : IAsyncDisposable
{
    private const string Path = "/api/v1/notifications/stream";
    private readonly HttpClient _client;
    private readonly HttpResponseMessage _response;
    private readonly ConcurrentQueue<SseItem<string>> _events = new();
    private readonly CancellationTokenSource _stop = new();

    private InboxStreamClient(HttpClient client, HttpResponseMessage response)
    {
        (_client, _response) = (client, response);
        Ended = ReadAsync();
    }

    /// <summary>Completes when the server ends the stream, and fails when the connection breaks.</summary>
    public Task Ended { get; }

    public HttpResponseMessage Response => _response;

    /// <summary>Everything so far.</summary>
    public IReadOnlyList<SseItem<string>> Events => [.. _events];

    public TimeSpan? Retry { get; private set; }

    public string? LastId => _events.LastOrDefault().EventId;

    /// <summary>The data of the notifications so far.</summary>
    public IReadOnlyList<JsonElement> Notifications =>
        [.. _events.Where(item => item.EventType == "notification").Select(item => JsonElement.Parse(item.Data).GetProperty("notification"))];

    /// <summary>The latest number of unread notifications.</summary>
    public int Unread => _events.Select(item => JsonElement.Parse(item.Data).GetProperty("unread_count").GetInt32()).DefaultIfEmpty(-1).Last();

    /// <summary>Opens a stream, and waits for its first event, which is the number of unread notifications or the first notification.</summary>
    /// <param name="client">Disposed with the stream.</param>
    public static async Task<InboxStreamClient> OpenAsync(HttpClient client, string? lastEventId = null, string query = "")
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"{Path}{query}");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var stream = new InboxStreamClient(client, response);
        if (response.IsSuccessStatusCode)
        {
            await Eventually.TrueAsync(() => !stream._events.IsEmpty || stream.Ended.IsCompleted, "the first event");
        }

        return stream;
    }

    public Task WaitForAsync(int notifications) => Eventually.TrueAsync(() => Notifications.Count >= notifications, $"{notifications} notifications in the stream");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _response.Dispose();
        _client.Dispose();
        await Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadAsync()
    {
        var parser = SseParser.Create(await _response.Content.ReadAsStreamAsync(_stop.Token));
        await foreach (var item in parser.EnumerateAsync(_stop.Token))
        {
            _events.Enqueue(item with { EventId = parser.LastEventId });
        }

        Retry = parser.ReconnectionInterval;
    }
}
