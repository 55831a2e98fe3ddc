using System.Globalization;
using System.Net;
using Kashif.Testing;

namespace Kashif.Gateway.Tests;

/// <summary>The gateway's metrics and access to them. Hosts in one process share meters, so the tests use unusual values.</summary>
[Collection<Alone>]
public sealed class MetricsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_are_counted_by_route_not_by_path()
    {
        await using var gateway = await GatewayService.StartAsync();
        gateway[ResourceNames.Reporting].Respond = context =>
        {
            context.Response.StatusCode = 207;
            context.Response.Headers["Idempotency-Replayed"] = "true";
            return Task.CompletedTask;
        };

        await gateway.Client.PostAsync("/api/v1/reports/secret-path", null, Cancel);
        await gateway.Client.GetAsync("/another-secret-path", Cancel);
        using var odd = new HttpRequestMessage(new HttpMethod("SECRET"), "/api/v1/reports");
        await gateway.Client.SendAsync(odd, Cancel);

        var text = "";
        await Eventually.TrueAsync(
            async () => (text = await gateway.Client.GetStringAsync("/metrics", Cancel)).Contains("_OTHER", StringComparison.Ordinal), "the last request");
        Value(text, "api_requests_total", "service=\"gateway\"", "method=\"POST\"", "route=\"/api/v1/reports/{**rest}\"", "status=\"207\"").ShouldBe(1);
        Value(text, "api_requests_total", "method=\"GET\"", "route=\"none\"", "status=\"404\"").ShouldBeGreaterThanOrEqualTo(1);
        Value(text, "api_requests_total", "method=\"_OTHER\"").ShouldBe(1);
        Value(text, "api_request_duration_seconds_count", "method=\"_OTHER\"").ShouldBe(1);
        Value(text, "api_request_duration_seconds_bucket", "method=\"_OTHER\"", "le=\"+Inf\"").ShouldBe(1);
        text.Split('\n').Where(line => line.StartsWith("api_request_duration_seconds", StringComparison.Ordinal))
            .ShouldAllBe(line => !line.Contains("status=", StringComparison.Ordinal));
        Value(text, "idempotency_hits_total", "service=\"gateway\"").ShouldBe(2);
        text.ShouldNotContain("published_messages_total"); // the gateway publishes no events
        text.ShouldNotContain("secret", Case.Insensitive);
    }

    [Theory]
    [InlineData("10.9.0.0/16,127.0.0.0/8", null, 200)]
    [InlineData("10.9.0.0/16", null, 404)]
    [InlineData(null, null, 200)]
    [InlineData(null, "X-Forwarded-For", 404)]
    [InlineData(null, "Forwarded", 404)]
    public async Task Only_configured_networks_can_read_metrics(string? networks, string? header, int status)
    {
        var settings = (networks?.Split(',') ?? []).Select((network, index) => KeyValuePair.Create($"Gateway:Metrics:Networks:{index}", (string?)network));
        await using var gateway = await GatewayService.StartAsync(settings.ToDictionary());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (header is not null)
        {
            request.Headers.Add(header, "for=10.0.0.1");
        }

        using var response = await gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe((HttpStatusCode)status);
        if (status == 404)
        {
            (response.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
            (await response.Content.ReadAsStringAsync(Cancel)).ShouldNotContain("api_requests");
        }
    }

    [Fact]
    public async Task An_invalid_network_stops_the_start()
    {
        var failure = await Should.ThrowAsync<Exception>(
            () => GatewayService.StartAsync(new Dictionary<string, string?> { ["Gateway:Metrics:Networks:0"] = "everyone" }));

        failure.ToString().ShouldContain("Gateway:Metrics:Networks");
    }

    /// <summary>The sum of the samples with this name and these labels; there must be at least one.</summary>
    private static long Value(string text, string name, params string[] labels)
    {
        var samples = text.Split('\n').Where(
            line => line.StartsWith($"{name}{{", StringComparison.Ordinal) && labels.All(label => line.Contains(label, StringComparison.Ordinal))).ToArray();
        samples.ShouldNotBeEmpty($"{name} {string.Join(' ', labels)}");
        return samples.Sum(sample => long.Parse(sample.Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture));
    }
}

/// <summary>Runs alone: a host that ends takes the counts of all hosts with it, because OpenTelemetry identifies a meter by its name.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;
