using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly.CircuitBreaker;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>What every service counts on when it calls another: retries, a circuit for each service, names for addresses.</summary>
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
    public async Task Only_what_may_pass_is_tried_again(HttpStatusCode status, int attempts)
    {
        await using var caller = new Caller(_ => new HttpResponseMessage(status));

        // As the debit of a redemption is asked for: idempotent by its address.
        using var response = await caller.Client.PutAsync("http://gamification/", content: null, Cancel);

        response.StatusCode.ShouldBe(status);
        caller.Asked.Count.ShouldBe(attempts);
    }

    [Fact]
    public async Task A_lost_connection_is_tried_again()
    {
        await using var caller = new Caller(_ => throw new HttpRequestException("refused"));

        await Should.ThrowAsync<HttpRequestException>(() => caller.Client.GetAsync("http://gamification/", Cancel));

        caller.Asked.Count.ShouldBe(4);
    }

    [Fact]
    public async Task The_other_service_says_when_to_try_again()
    {
        var answers = 0;

        // Without the header the first retry would come after an hour, that is: never.
        await using var caller = new Caller(
            _ => answers++ > 0
                ? new HttpResponseMessage(HttpStatusCode.OK)
                : new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Headers = { RetryAfter = new RetryConditionHeaderValue(TimeSpan.Zero) } },
            options => options.Retry.Delay = TimeSpan.FromHours(1));

        using var response = await caller.Client.GetAsync("http://gamification/", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_service_that_keeps_failing_does_not_cut_off_another()
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
    public async Task A_service_that_fails_now_and_then_is_not_cut_off()
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
    public async Task Replicas_take_turns()
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

    /// <summary>A service that calls others over a network that a test plays.</summary>
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
