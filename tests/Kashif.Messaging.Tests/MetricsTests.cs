using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Kashif.Testing;

namespace Kashif.Messaging.Tests;

/// <summary>The names that dashboards and alerts use. All hosts of a process share the meters, so counts have only a lower bound.</summary>
[Collection<Alone>]
public sealed partial class MetricsTests(MessagingServers servers) : SampleServiceTests(servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_events_and_replays_are_counted_without_personal_data()
    {
        var user = Guid.CreateVersion7();
        using var client = Service.As(user);
        for (var count = 0; count < 2; count++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/notes") { Content = JsonContent.Create(new { title = "Measured", latitude = 33.5123 }) };
            request.Headers.Add("Idempotency-Key", "measured");
            using var response = await client.SendAsync(request, Cancel);
        }

        using var bug = await client.GetAsync("/api/v1/notes/bug", Cancel);

        var text = "";
        await Eventually.TrueAsync(
            async () => Value(text = await client.GetStringAsync("/metrics", Cancel), "published_messages_total", "type=\"report.created\"") >= 1, "the event");
        Value(text, "api_requests_total", "service=\"reporting\"", "method=\"POST\"", "route=\"/api/v1/notes/\"", "status=\"201\"").ShouldBeGreaterThanOrEqualTo(2);
        Value(text, "api_requests_total", "service=\"reporting\"", "route=\"/api/v1/notes/bug\"", "status=\"500\"").ShouldBeGreaterThanOrEqualTo(1);
        Value(text, "api_request_duration_seconds_bucket", "service=\"reporting\"", "route=\"/api/v1/notes/bug\"", "le=\"10\"").ShouldBeGreaterThanOrEqualTo(1);
        Value(text, "idempotency_hits_total", "service=\"reporting\"").ShouldBeGreaterThanOrEqualTo(1);
        Value(text, "published_messages_total", "type=\"user.registered\"").ShouldBe(0);
        text.ShouldContain("# TYPE outbox_lag_seconds histogram");
        text.ShouldContain("# TYPE outbox_oldest_age_seconds gauge");
        text.ShouldContain("# TYPE dotnet_gc_collections_total counter");
        text.ShouldNotContain(user.ToString());
        text.ShouldContain("db_client_connection_count{");
        text.ShouldNotContain("Host=", Case.Insensitive);
        text.ShouldNotContain("33.5123");
        text.TrimEnd('\n').Split('\n').ShouldAllBe(line => Line().IsMatch(line));
    }

    /// <summary>A line in Prometheus's text format: a comment, or a sample with labels and value.</summary>
    [GeneratedRegex("""^(# (TYPE|HELP|UNIT) [a-zA-Z_:][a-zA-Z0-9_:]* .*|[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\["\\n])*",?)+\} [-+.eE0-9a-zA-Z]+)$""")]
    private static partial Regex Line();

    /// <summary>The sum of the samples with this name and these labels, at least one.</summary>
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
