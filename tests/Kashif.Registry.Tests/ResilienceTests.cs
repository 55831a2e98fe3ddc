using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Kashif.Registry.Tests;

public sealed class ResilienceTests
{
    private static readonly CancellationToken None = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable, 4)]
    [InlineData(HttpStatusCode.TooManyRequests, 4)]
    [InlineData(HttpStatusCode.RequestTimeout, 4)]
    [InlineData(HttpStatusCode.NotFound, 1)]
    [InlineData(HttpStatusCode.OK, 1)]
    public async Task Only_what_may_pass_is_tried_again(HttpStatusCode answer, int attempts)
    {
        var network = new StubHandler(answer);

        var response = await Client(network).GetAsync("http://a/", None);

        response.StatusCode.ShouldBe(answer);
        network.Requests.Count.ShouldBe(attempts);
    }

    [Fact]
    public async Task A_retry_that_succeeds_is_the_answer()
    {
        var network = new StubHandler(HttpStatusCode.BadGateway, HttpStatusCode.OK);

        (await Client(network).GetAsync("http://a/", None)).StatusCode.ShouldBe(HttpStatusCode.OK);
        network.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_lost_connection_is_tried_again()
    {
        var network = new StubHandler((_, _) => throw new HttpRequestException("refused"));

        await Should.ThrowAsync<HttpRequestException>(() => Client(network).GetAsync("http://a/", None));
        network.Requests.Count.ShouldBe(4);
    }

    [Fact]
    public async Task The_server_says_when_to_try_again()
    {
        var answers = 0;
        var network = new StubHandler((_, _) => Task.FromResult(answers++ > 0
            ? new HttpResponseMessage(HttpStatusCode.OK)
            : new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Headers = { RetryAfter = new RetryConditionHeaderValue(TimeSpan.Zero) } }));

        // Without the header the first retry would come after an hour, that is: never.
        var client = Client(network, options => options.Retry.Delay = TimeSpan.FromHours(1));

        (await client.GetAsync("http://a/", None)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("POST", 1)]
    [InlineData("PUT", 1)]
    [InlineData("PATCH", 1)]
    [InlineData("DELETE", 1)]
    [InlineData("GET", 4)]
    public async Task Unsafe_methods_can_be_left_alone(string method, int attempts)
    {
#pragma warning disable EXTEXP0001 // Experimental in the real package.
        var network = new StubHandler(HttpStatusCode.ServiceUnavailable);
        var client = Client(network, options => options.Retry.DisableForUnsafeHttpMethods());
#pragma warning restore EXTEXP0001

        await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), "http://a/"), None);

        network.Requests.Count.ShouldBe(attempts);
    }

    [Fact]
    public async Task An_attempt_that_hangs_is_cut_off_and_tried_again()
    {
        var network = new StubHandler(async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new HttpResponseMessage();
        });
        var client = Client(network, options => options.AttemptTimeout.Timeout = TimeSpan.FromMilliseconds(20));

        await Should.ThrowAsync<TimeoutRejectedException>(() => client.GetAsync("http://a/", None));
        network.Requests.Count.ShouldBe(4);
    }

    [Fact]
    public async Task All_attempts_together_are_cut_off()
    {
        var network = new StubHandler(async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new HttpResponseMessage();
        });
        var client = Client(network, options =>
        {
            options.AttemptTimeout.Timeout = TimeSpan.FromMilliseconds(50);
            options.TotalRequestTimeout.Timeout = TimeSpan.FromMilliseconds(50);
            options.Retry.MaxRetryAttempts = int.MaxValue;
        });

        await Should.ThrowAsync<TimeoutRejectedException>(() => client.GetAsync("http://a/", None));
    }

    [Fact]
    public async Task A_server_that_keeps_failing_is_left_in_peace_but_its_neighbour_is_not()
    {
        var network = new StubHandler((request, _) => Task.FromResult(
            new HttpResponseMessage(request.RequestUri!.Host == "broken" ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK)));
        var client = Client(network, options => options.CircuitBreaker.MinimumThroughput = 2, byAuthority: true);

        await Should.ThrowAsync<BrokenCircuitException>(() => client.GetAsync("http://broken/", None));
        await Should.ThrowAsync<BrokenCircuitException>(() => client.GetAsync("http://broken/", None));

        network.Requests.Count.ShouldBe(2);
        (await client.GetAsync("http://healthy/", None)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public void Timeouts_that_contradict_each_other_are_refused()
    {
        var network = new StubHandler(HttpStatusCode.OK);

        Should.Throw<OptionsValidationException>(() =>
            Client(network, options => options.AttemptTimeout.Timeout = TimeSpan.FromSeconds(16)).GetAsync("http://a/", None).GetAwaiter().GetResult());
    }

    private static HttpClient Client(StubHandler network, Action<HttpStandardResilienceOptions>? configure = null, bool byAuthority = false)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        var pipeline = services.AddHttpClient("test").ConfigurePrimaryHttpMessageHandler(() => network)
            .AddStandardResilienceHandler(options =>
            {
                options.Retry.Delay = TimeSpan.FromMilliseconds(1);
                configure?.Invoke(options);
            });
        if (byAuthority)
        {
            pipeline.SelectPipelineByAuthority();
        }

        return services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("test");
    }
}
