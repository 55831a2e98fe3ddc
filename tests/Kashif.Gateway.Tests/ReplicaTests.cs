using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Kashif.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Kashif.Gateway.Tests;

/// <summary>Replicas of a service: failures, retries, timeouts and streams.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private const string Path = "/api/v1/reports/1";
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(2);
    private GatewayService? _gateway;
    private FakeService? _second;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");
    private FakeService First => Gateway[ResourceNames.Reporting];
    private FakeService Second => _second ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _second = await FakeService.StartAsync("second");
        _gateway = await GatewayService.StartAsync(
            ($"services:{ResourceNames.Reporting}:http:1", Second.Address), ("Proxy:ProbeInterval", "00:00:00.200"), ("Proxy:Reactivation", "00:00:00.500"));
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Second.DisposeAsync();
    }

    [Fact]
    public async Task Killing_one_of_two_replicas_under_load_loses_no_read()
    {
        var running = true;
        var answered = 0;
        First.Respond = Second.Respond = SlowAsync;
        var load = Enumerable.Range(0, 16).Select(async _ =>
        {
            var statuses = new List<HttpStatusCode>();
            while (Volatile.Read(ref running))
            {
                using var response = await Gateway.Client.GetAsync(Path, Cancel);
                statuses.Add(response.StatusCode);
                (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("whole");
                Interlocked.Increment(ref answered);
            }

            return statuses;
        }).ToArray();
        await Eventually.TrueAsync(() => First.Requests.Count > 50 && Second.Requests.Count > 50, "load on both");

        await Second.KillAsync();
        var atKill = Volatile.Read(ref answered);
        await Eventually.TrueAsync(() => Volatile.Read(ref answered) > atKill + 500, "load on the other replica");
        Volatile.Write(ref running, false);

        (await Task.WhenAll(load)).SelectMany(statuses => statuses).ShouldAllBe(status => status == HttpStatusCode.OK);
        await Eventually.TrueAsync(() => Destinations().Count(IsHealthy) == 1, "the detection of the dead replica");

        static async Task SlowAsync(HttpContext context)
        {
            await Task.Delay(5, context.RequestAborted);
            context.Response.ContentLength = "whole".Length; // sent at once: what has begun cannot be retried
            await context.Response.WriteAsync("whole");
        }
    }

    [Fact]
    public async Task An_unhealthy_replica_gets_no_requests_until_it_recovers()
    {
        Second.Health = "unhealthy";
        await Eventually.TrueAsync(() => Destinations().Count(IsHealthy) == 1, "the detection of the unhealthy replica");
        var before = Second.Requests.Count;
        for (var count = 0; count < 20; count++)
        {
            await Gateway.Client.GetStringAsync(Path, Cancel);
        }

        Second.Requests.Count.ShouldBe(before);

        Second.Health = "healthy";
        await Eventually.TrueAsync(async () => await Gateway.Client.GetStringAsync(Path, Cancel) == "second", "a response of the recovered replica");
    }

    [Fact]
    public async Task If_all_replicas_are_unhealthy_they_still_get_requests()
    {
        First.Health = Second.Health = "unhealthy";
        await Eventually.TrueAsync(() => !Destinations().Any(IsHealthy), "the detection of both unhealthy replicas");

        (await Gateway.Client.GetAsync(Path, Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("GET", 503, true)]
    [InlineData("HEAD", 503, true)]
    [InlineData("OPTIONS", 502, true)]
    [InlineData("GET", 500, false)]
    [InlineData("GET", 404, false)]
    [InlineData("POST", 503, false)]
    [InlineData("PATCH", 503, false)]
    [InlineData("PUT", 503, false)]
    [InlineData("DELETE", 502, false)]
    public async Task Only_reads_are_retried_after_a_502_or_503(string method, int status, bool isRetried)
    {
        foreach (var replica in new[] { First, Second })
        {
            replica.Respond = context =>
            {
                context.Response.StatusCode = First.Requests.Count + Second.Requests.Count == 1 ? status : 200;
                context.Response.Headers["X-Attempt"] = (First.Requests.Count + Second.Requests.Count).ToString();
                return Task.CompletedTask;
            };
        }

        using var response = await Gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), Path), Cancel);

        ((int)response.StatusCode).ShouldBe(isRetried ? 200 : status);
        response.Headers.GetValues("X-Attempt").ShouldBe([isRetried ? "2" : "1"]);
        response.Headers.GetValues("X-Correlation-Id").ShouldHaveSingleItem();
        response.Headers.GetValues("RateLimit-Limit").ShouldHaveSingleItem();
        (First.Requests.Count + Second.Requests.Count).ShouldBe(isRetried ? 2 : 1);
        (First.Requests.Count == 1 && Second.Requests.Count == 1).ShouldBe(isRetried);
    }

    [Fact]
    public async Task A_read_is_retried_once_and_the_last_response_is_returned()
    {
        First.Respond = Second.Respond = context =>
        {
            context.Response.StatusCode = 503;
            context.Response.ContentType = "application/problem+json";
            return context.Response.WriteAsync("""{"code":"its_own"}""");
        };

        using var response = await Gateway.Client.GetAsync(Path, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("""{"code":"its_own"}""");
        (First.Requests.Count, Second.Requests.Count).ShouldBe((1, 1));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task A_write_that_may_have_arrived_is_not_retried(string method)
    {
        First.Respond = Second.Respond = async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Abort();
        };
        using var request = new HttpRequestMessage(new HttpMethod(method), Path) { Content = new StringContent("once") };

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (First.Requests.Count + Second.Requests.Count).ShouldBe(1);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task A_write_is_retried_if_there_was_no_connection(string method)
    {
        await Second.KillAsync();
        First.Respond = async context => await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync());

        for (var count = 0; count < 10; count++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), Path) { Content = new StringContent("whole") };
            using var response = await Gateway.Client.SendAsync(request, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("whole");
        }

        First.Requests.Count.ShouldBe(10);
    }

    [Fact]
    public async Task If_the_last_healthy_replica_is_gone_a_write_is_retried_on_an_unhealthy_one()
    {
        First.Health = "unhealthy"; // it answers all the same
        await Eventually.TrueAsync(() => Destinations().Count(IsHealthy) == 1, "the detection of the unhealthy replica");
        await Second.KillAsync();

        using var response = await Gateway.Client.PostAsync(Path, new StringContent("whole"), Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        First.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Behind_a_single_address_a_write_is_retried_if_there_was_no_connection()
    {
        var service = new RefusesFirstConnection();
        await using var gateway = await GatewayService.StartAsync(configure: services => services.AddSingleton<IForwarderHttpClientFactory>(service));
        gateway[ResourceNames.Reporting].Respond = async context => await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync());

        using var response = await gateway.Client.PostAsync(Path, new StringContent("whole"), Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldBe("whole");
        service.Refused.ShouldBe(1);
    }

    [Fact]
    public async Task A_replica_that_drains_gets_no_more_requests()
    {
        await using var gateway = await GatewayService.StartAsync(($"services:{ResourceNames.Reporting}:http:1", Second.Address));
        Second.Respond = context =>
        {
            context.Response.Headers["Kashif-Draining"] = "1";
            return context.Response.WriteAsync("drains");
        };
        await Eventually.TrueAsync(async () =>
        {
            using var response = await gateway.Client.GetAsync(Path, Cancel);
            response.Headers.Contains("Kashif-Draining").ShouldBeFalse();
            return await response.Content.ReadAsStringAsync(Cancel) == "drains";
        }, "a response of the draining replica");

        for (var count = 0; count < 20; count++)
        {
            (await gateway.Client.GetStringAsync(Path, Cancel)).ShouldBe(ResourceNames.Reporting);
        }
    }

    [Fact]
    public async Task A_timeout_returns_504()
    {
        await using var gateway = await StartImpatientAsync();
        var first = gateway[ResourceNames.Reporting];
        first.Respond = Second.Respond = context => Task.Delay(Timeout.Infinite, context.RequestAborted);

        using var response = await gateway.Client.GetAsync(Path, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.GatewayTimeout);
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldContain("\"timeout\"");
        (first.Requests.Count + Second.Requests.Count).ShouldBe(1);
    }

    [Theory]
    [InlineData("/api/v1/reports/1/photos/2")]
    [InlineData("/api/reports/export.geojson")]
    [InlineData("/api/v1/notifications/stream")]
    public async Task Long_running_routes_have_a_longer_timeout(string path)
    {
        await using var gateway = await StartImpatientAsync();
        foreach (var service in new[] { gateway[ResourceNames.Reporting], Second, gateway[ResourceNames.Notifications] })
        {
            service.Respond = async context =>
            {
                await Task.Delay(1.5 * ShortTimeout, context.RequestAborted);
                await context.Response.WriteAsync("late");
            };
        }

        (await gateway.Client.GetStringAsync(path, Cancel)).ShouldBe("late");
    }

    [Theory]
    [InlineData("/api/v1/notifications/stream", true)]
    [InlineData("/api/notifications/stream", true)]
    [InlineData("/api/v1/notifications/stream", false)]
    public async Task An_event_arrives_before_the_next_one_is_sent(string path, bool isSignedIn)
    {
        var next = new TaskCompletionSource();
        Gateway[ResourceNames.Notifications].Respond = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: first\n\n");
            await context.Response.Body.FlushAsync();
            await next.Task;
            await context.Response.WriteAsync("data: second\n\n");
        };
        using var user = isSignedIn ? Gateway.As(Guid.CreateVersion7()) : new HttpClient { BaseAddress = Gateway.Address };
        user.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));

        using var response = await user.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("text/event-stream");
        (await reader.ReadLineAsync(Cancel)).ShouldBe("data: first");
        (await reader.ReadLineAsync(Cancel)).ShouldBe("");
        next.SetResult();

        (await reader.ReadToEndAsync(Cancel)).ShouldBe("data: second\n\n");
    }

    [Fact]
    public async Task A_WebSocket_outlives_the_timeout()
    {
        await using var gateway = await StartImpatientAsync();
        gateway[ResourceNames.Notifications].Respond = async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
            {
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        };
        using var client = new ClientWebSocket();
        client.Options.SetRequestHeader("Authorization", $"Bearer {GatewayServers.Issuer.TokenFor(Guid.CreateVersion7())}");
        await client.ConnectAsync(new UriBuilder(gateway.Address) { Scheme = "ws", Path = "/api/v1/notifications/live" }.Uri, Cancel);

        var start = TimeProvider.System.GetTimestamp();
        await Eventually.TrueAsync(
            async () =>
            {
                await client.SendAsync(Encoding.ASCII.GetBytes("hello"), WebSocketMessageType.Text, endOfMessage: true, Cancel);
                var buffer = new byte[100];
                var received = await client.ReceiveAsync(buffer, Cancel);
                Encoding.ASCII.GetString(buffer, 0, received.Count).ShouldBe("hello");
                return TimeProvider.System.GetElapsedTime(start) > 1.5 * ShortTimeout;
            },
            "the end of the timeout");
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);

        client.State.ShouldBe(WebSocketState.Closed);
    }

    /// <summary>For the tests of timeouts only: on a busy machine other requests may take longer.</summary>
    private Task<GatewayService> StartImpatientAsync() =>
        GatewayService.StartAsync(($"services:{ResourceNames.Reporting}:http:1", Second.Address), ("Proxy:Timeout", ShortTimeout.ToString()));

    private IEnumerable<DestinationState> Destinations() =>
        Gateway.Provider.GetRequiredService<IProxyStateLookup>().TryGetCluster(ResourceNames.Reporting, out var cluster) ? cluster.Destinations.Values : [];

    private static bool IsHealthy(DestinationState destination) =>
        destination.Health is { Active: not DestinationHealth.Unhealthy, Passive: not DestinationHealth.Unhealthy };

    /// <summary>Like a pod that is gone while its Service still has its address.</summary>
    private sealed class RefusesFirstConnection : ForwarderHttpClientFactory
    {
        private int _connections;

        public int Refused { get; private set; }

        protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
        {
            base.ConfigureHandler(context, handler);
            handler.ConnectCallback = async (connection, cancellationToken) =>
            {
                if (context.ClusterId == ResourceNames.Reporting && Interlocked.Increment(ref _connections) == 1)
                {
                    Refused++;
                    throw new SocketException((int)SocketError.ConnectionRefused);
                }

                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(connection.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }
    }
}
