using System.Diagnostics;
using Kashif.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>The OTLP export of a service.</summary>
[Collection<Alone>]
public sealed class TraceTests : IAsyncLifetime
{
    private const string Token = "fcm-token-of-a-device";
    private static readonly string[] Probes = ["/health", "/alive", "/metrics", "/api/reports/health"];
    private OtlpReceiver? _receiver;
    private WebApplication? _application;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
    private OtlpReceiver Receiver => _receiver ?? throw new InvalidOperationException("Not started.");
    private WebApplication Application => _application ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _receiver = await OtlpReceiver.StartAsync();
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(_receiver.Settings.Append(new("OTEL_SERVICE_NAME", "sample"))
            .Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)));
        builder.AddServiceDefaults("sample");
        builder.Services.AddAuthentication();
        builder.Services.AddAuthorization();
        _application = builder.Build();
        _application.UseServiceDefaults();
        _application.MapGet("/things/{id}", (string id, ILogger<TraceTests> logger) => Found(logger, id));
        _application.MapDelete("/api/v1/notifications/devices/{token}", () => TypedResults.NoContent());
        _application.MapGet("/calls", CallAsync);
        _application.MapDefaultEndpoints();
        await _application.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await Application.DisposeAsync();
        await Receiver.DisposeAsync();
    }

    [Fact]
    public async Task Traces_metrics_and_logs_are_exported()
    {
        await SendAsync(HttpMethod.Get, "/things/7");

        await Eventually.TrueAsync(() => Receiver.Spans.Count > 0, "a span");
        await Eventually.TrueAsync(() => Receiver.MetricExports("sample", "api_requests") > 0, "the counter of requests");
        await Eventually.TrueAsync(() => Receiver.LogExports("sample", "Thing 7 was asked for") > 0, "the log record");
    }

    [Fact]
    public async Task A_request_is_a_span_with_its_attributes()
    {
        await SendAsync(HttpMethod.Get, "/things/7");

        var span = (await SpansAsync(1)).ShouldHaveSingleItem();
        span.Service.ShouldBe("sample");
        span.Name.ShouldBe("GET /things/{id}");
        span.Kind.ShouldBe(ActivityKind.Server);
        span.ParentId.ShouldBeEmpty();
        span.Attributes["http.request.method"].ShouldBe("GET");
        span.Attributes["http.route"].ShouldBe("/things/{id}");
        span.Attributes["http.response.status_code"].ShouldBe("200");
        span.Attributes["url.path"].ShouldBe("/things/7");
    }

    [Fact]
    public async Task Probes_and_calls_outside_requests_start_no_traces()
    {
        foreach (var probe in Probes)
        {
            await SendAsync(HttpMethod.Get, probe);
        }

        // This call is outside any request, like the polls of hosted services.
        using (var client = Application.Services.GetRequiredService<IHttpClientFactory>().CreateClient())
        {
            using var answer = await client.GetAsync($"{Application.Urls.Single()}/things/background", Cancel);
        }

        await SendAsync(HttpMethod.Get, "/things/last");

        (await SpansAsync(1)).ShouldHaveSingleItem().Attributes["url.path"].ShouldBe("/things/last");
    }

    [Theory]
    [InlineData("DELETE", $"/api/v1/notifications/devices/{Token}", "/api/v1/notifications/devices/*")]
    [InlineData("GET", $"/api/Notifications/Devices%2F{Token}", "/api/Notifications/Devices/*")]
    [InlineData("GET", $"/internal/v1/balances/{Token}", "/internal/v1/balances/*")]
    [InlineData("GET", $"/api/v1/reports/calendars/{Token}.ics", "/api/v1/reports/calendars/*")]
    [InlineData("GET", $"/things/7?token={Token}&latitude=33.5138&{Token}", "/things/7")]
    public async Task Traces_contain_no_device_tokens_user_ids_or_query_strings(string method, string address, string traced)
    {
        await SendAsync(HttpMethod.Get, $"/calls?method={method}&address={Uri.EscapeDataString(address)}");

        var spans = await SpansAsync(3);
        spans.Single(span => span.Kind is ActivityKind.Client).Attributes["url.full"].ShouldBe($"{Application.Urls.Single()}{traced}");
        spans.Count(span => span.Kind is ActivityKind.Server && span.Attributes["url.path"] == traced).ShouldBe(1);
        Receiver.SpansContain(Token).ShouldBeFalse();
        Receiver.SpansContain("33.5138").ShouldBeFalse();
    }

    private static string Found(ILogger logger, string id)
    {
        logger.LogWarning("Thing {Id} was asked for", id);
        return id;
    }

    /// <summary>Calls this service, like the gateway.</summary>
    private async Task CallAsync(HttpContext context, IHttpClientFactory clients, string method, string address)
    {
        using var client = clients.CreateClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{Application.Urls.Single()}{address}");
        using var answer = await client.SendAsync(request, context.RequestAborted);
    }

    /// <summary>Sends a request without a trace context or a client span.</summary>
    private async Task SendAsync(HttpMethod method, string path)
    {
        using var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null };
        using var client = new HttpClient(handler) { BaseAddress = new Uri(Application.Urls.Single()) };
        using var request = new HttpRequestMessage(method, path);
        using var answer = await client.SendAsync(request, Cancel);
    }

    private async Task<IReadOnlyCollection<ReceivedSpan>> SpansAsync(int count)
    {
        await Eventually.TrueAsync(() => Receiver.Spans.Count >= count, $"{count} spans");
        return Receiver.Spans;
    }
}

/// <summary>A tracer receives the spans of the whole process, so no other test may run at the same time.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;
