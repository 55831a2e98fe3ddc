using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Kashif.Registry.Tests;

/// <summary>What dashboards and alerts count on: the names, the labels and the form that Prometheus reads.</summary>
public sealed class PrometheusTests : IAsyncLifetime
{
    private readonly Meter _meter = new($"Tests.{Guid.CreateVersion7():N}", "1.2");
    private WebApplication? _application;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(_meter.Name).AddPrometheusExporter());
        _application = builder.Build();
        _application.MapPrometheusScrapingEndpoint();
        await _application.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_counter_ends_in_total_and_its_annotation_is_no_unit()
    {
        _meter.CreateCounter<long>("api_requests", "{request}", "Requests").Add(3, new KeyValuePair<string, object?>("route", "/a"));

        var text = await ScrapeAsync();

        text.ShouldContain("# TYPE api_requests_total counter\n");
        text.ShouldContain("# HELP api_requests_total Requests\n");
        Value(text, "api_requests_total", "route=\"/a\"").ShouldBe("3");
        text.ShouldEndWith("# EOF\n");
    }

    [Fact]
    public async Task A_histogram_has_its_unit_and_cumulative_buckets()
    {
        var histogram = _meter.CreateHistogram("api_request_duration", "s", "Time", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        foreach (var seconds in new[] { 0.25, 0.75, 2 })
        {
            histogram.Record(seconds);
        }

        var text = await ScrapeAsync();

        text.ShouldContain("# TYPE api_request_duration_seconds histogram\n");
        Value(text, "api_request_duration_seconds_bucket", "le=\"0.5\"").ShouldBe("1");
        Value(text, "api_request_duration_seconds_bucket", "le=\"1\"").ShouldBe("2");
        Value(text, "api_request_duration_seconds_bucket", "le=\"+Inf\"").ShouldBe("3");
        Value(text, "api_request_duration_seconds_sum").ShouldBe("3");
        Value(text, "api_request_duration_seconds_count").ShouldBe("3");
    }

    [Theory]
    [InlineData("dotnet.gc.heap", "By", "dotnet_gc_heap_bytes")]
    [InlineData("outbox.oldest-age", "s", "outbox_oldest_age_seconds")]
    [InlineData("ratio", "1", "ratio")]
    [InlineData("network.io", "By/s", "network_io_bytes_per_second")]
    [InlineData("queue", "{message}", "queue")]
    public async Task A_gauge_is_named_with_its_unit(string name, string unit, string expected)
    {
        _meter.CreateObservableGauge(name, () => 1.5, unit);

        var text = await ScrapeAsync();

        text.ShouldContain($"# TYPE {expected} gauge\n");
        Value(text, expected).ShouldBe("1.5");
    }

    [Fact]
    public async Task What_goes_up_and_down_is_a_gauge()
    {
        var busy = _meter.CreateUpDownCounter<int>("busy");
        busy.Add(3);
        busy.Add(-1);

        var text = await ScrapeAsync();

        text.ShouldContain("# TYPE busy gauge\n");
        Value(text, "busy").ShouldBe("2");
    }

    [Fact]
    public async Task Labels_are_escaped_and_name_the_meter()
    {
        _meter.CreateCounter<long>("escaped").Add(1, new("http.route", "a\"b\\c\nd"), new("flag", true));

        var text = await ScrapeAsync();

        Value(text, "escaped_total", $"otel_scope_name=\"{_meter.Name}\"").ShouldBe("1");
        Value(text, "escaped_total", "otel_scope_version=\"1.2\"").ShouldBe("1");
        Value(text, "escaped_total", "http_route=\"a\\\"b\\\\c\\nd\"").ShouldBe("1");
        Value(text, "escaped_total", "flag=\"true\"").ShouldBe("1");
    }

    [Fact]
    public async Task Every_line_is_a_comment_or_a_sample()
    {
        _meter.CreateHistogram<double>("a", "ms").Record(1, new KeyValuePair<string, object?>("b", null));
        _meter.CreateCounter<double>("c").Add(0.1);

        var text = await ScrapeAsync();

        text.TrimEnd('\n').Split('\n').ShouldAllBe(line => Regex.IsMatch(
            line, """^(# (TYPE|HELP|UNIT) [a-zA-Z_:][a-zA-Z0-9_:]* .+|# EOF|[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-zA-Z_][a-zA-Z0-9_]*="[^"]*",?)+\} \S+ [0-9]+)$"""));
    }

    private async Task<string> ScrapeAsync()
    {
        using var client = (_application ?? throw new InvalidOperationException("Not started.")).GetTestClient();
        using var response = await client.GetAsync("/metrics", Cancel);
        response.EnsureSuccessStatusCode();
        response.Content.Headers.ContentType?.MediaType.ShouldBe("text/plain");
        return await response.Content.ReadAsStringAsync(Cancel);
    }

    /// <summary>The value of the only sample of this name with this label.</summary>
    private static string Value(string text, string name, string label = "") => text.Split('\n')
        .Where(line => line.StartsWith($"{name}{{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
        .ShouldHaveSingleItem().Split("} ")[1].Split(' ')[0];
}
