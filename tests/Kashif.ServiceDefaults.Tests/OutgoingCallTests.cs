using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly.CircuitBreaker;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>Calls to other services: retries, one circuit per service, service discovery.</summary>
public sealed class OutgoingCallTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable, 4)]
    [InlineData(HttpStatusCode.TooManyRequests, 4)]
    [InlineData(HttpStatusCode.RequestTimeout, 4)]
    [InlineData(HttpStatusCode.UnprocessableEntity, 1)]
    [InlineData(HttpStatusCode.NotFound, 1)]
    [InlineData(HttpStatusCode.OK, 1)]
    public async Task Only_transient_failures_are_retried(HttpStatusCode status, int attempts)
    {
        await using var caller = new Caller(_ => new HttpResponseMessage(status));

        // PUT, like the debit of a redemption: idempotent by its URL.
        using var response = await caller.Client.PutAsync("http://gamification/", content: null, Cancel);

        response.StatusCode.ShouldBe(status);
        caller.Asked.Count.ShouldBe(attempts);
    }

    [Fact]
    public async Task A_failed_connection_is_retried()
    {
        await using var caller = new Caller(_ => throw new HttpRequestException("refused"));

        await Should.ThrowAsync<HttpRequestException>(() => caller.Client.GetAsync("http://gamification/", Cancel));

        caller.Asked.Count.ShouldBe(4);
    }

    [Fact]
    public async Task Retry_After_sets_the_delay_of_a_retry()
    {
        var answers = 0;

        // Without the header, the first retry would come after an hour.
        await using var caller = new Caller(
            _ => answers++ > 0
                ? new HttpResponseMessage(HttpStatusCode.OK)
                : new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Headers = { RetryAfter = new RetryConditionHeaderValue(TimeSpan.Zero) } },
            options => options.Retry.Delay = TimeSpan.FromHours(1));

        using var response = await caller.Client.GetAsync("http://gamification/", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_broken_service_does_not_block_calls_to_another()
    {
        await using var caller = new Caller(
            request => new HttpResponseMessage(request.RequestUri?.Host == "broken" ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK),
            options => options.CircuitBreaker.MinimumThroughput = 2);

        await Should.ThrowAsync<BrokenCircuitException>(() => caller.Client.GetAsync("http://broken/", Cancel));
        await Should.ThrowAsync<BrokenCircuitException>(() => caller.Client.GetAsync("http://broken/", Cancel));

        caller.Asked.Count.ShouldBe(2);
        using var response = await caller.Client.GetAsync("http://healthy/", Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Occasional_failures_do_not_open_the_circuit()
    {
        var answers = 0;
        await using var caller = new Caller(
            _ => new HttpResponseMessage(answers++ % 3 == 2 ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK),
            options => options.CircuitBreaker.MinimumThroughput = 2);

        for (var call = 0; call < 20; call++)
        {
            using var response = await caller.Client.GetAsync("http://gamification/", Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Replicas_are_called_in_turn()
    {
        await using var caller = new Caller(_ => new HttpResponseMessage(HttpStatusCode.OK), settings: new()
        {
            ["services:gamification:http:0"] = "http://localhost:5001",
            ["services:gamification:http:1"] = "http://localhost:5002",
            ["services:gamification:http:2"] = "http://localhost:5003",
        });

        for (var call = 0; call < 9; call++)
        {
            using var response = await caller.Client.GetAsync("http://gamification/", Cancel);
        }

        caller.Asked.CountBy(address => address?.Port ?? 0).ShouldBe([new(5001, 3), new(5002, 3), new(5003, 3)], ignoreOrder: true);
    }

    /// <summary>A service that calls others over a fake network.</summary>
    private sealed class Caller : IAsyncDisposable
    {
        private readonly WebApplication _service;

        public Caller(
            Func<HttpRequestMessage, HttpResponseMessage> answer, Action<HttpStandardResilienceOptions>? configure = null, Dictionary<string, string?>? settings = null)
        {
            var builder = WebApplication.CreateBuilder();
            builder.Configuration.AddInMemoryCollection(settings);
            builder.AddServiceDefaults(ResourceNames.Coupons);
            builder.Services.ConfigureAll<HttpStandardResilienceOptions>(options =>
            {
                options.Retry.Delay = TimeSpan.FromMilliseconds(1);
                configure?.Invoke(options);
            });
            builder.Services.AddHttpClient("test").ConfigurePrimaryHttpMessageHandler(() => new Network(this, answer));
            _service = builder.Build();
            Client = _service.Services.GetRequiredService<IHttpClientFactory>().CreateClient("test");
        }

        public HttpClient Client { get; }

        /// <summary>The addresses that were called.</summary>
        public ConcurrentQueue<Uri?> Asked { get; } = [];

        public ValueTask DisposeAsync() => _service.DisposeAsync();

        private sealed class Network(Caller caller, Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
        {
            protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                caller.Asked.Enqueue(request.RequestUri);
                return Task.FromResult(answer(request));
            }
        }
    }
}
