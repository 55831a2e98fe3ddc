using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.SystemTests;

/// <summary>Metrics, health, conditional requests and envelopes through the whole system.</summary>
public sealed partial class ObservabilityTests(KashifSystem system)
{
    private static readonly string[] Services =
        [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];

    private async Task<string> LogLineAsync(string resource, string text)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        var logs = system.Application.Services.GetRequiredService<ResourceLoggerService>();
        system.Application.ResourceNotifications.TryGetCurrentState(resource, out var state).ShouldBeTrue();
        await foreach (var lines in logs.WatchAsync(state.ShouldNotBeNull().ResourceId).WithCancellation(deadline.Token))
        {
            if (lines.Select(line => Colour().Replace(line.Content, "")).FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)) is { } found)
            {
                return found;
            }
        }

        throw new InvalidOperationException("The log has ended.");
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Colour();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_process_has_the_metrics_of_the_dashboards()
    {
        var citizen = await system.RegisterAsync();
        var key = Guid.CreateVersion7().ToString();
        for (var count = 0; count < 2; count++)
        {
            using var created = await citizen.PostReportAsync("Measured", key);
            created.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        foreach (var process in Services.Append(ResourceNames.Gateway))
        {
            using var client = new HttpClient { BaseAddress = system.AddressOf(process) };
            using var response = await client.GetAsync("/metrics", Cancel);
            var text = await response.Content.ReadAsStringAsync(Cancel);

            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            string[] own = process == ResourceNames.Gateway ? [] : ["published_messages_total"];
            foreach (var name in new[] { "api_requests_total", "api_request_duration_seconds_bucket", "idempotency_hits_total", "dotnet_gc_collections_total" }.Concat(own))
            {
                text.ShouldContain($"\n{name}{{", customMessage: process);
            }

            // They contain no personal data or secrets.
            text.ShouldNotContain(citizen.Id.ToString());
            text.ShouldNotContain("@kashif.test");
            text.ShouldNotContain("Host=");
        }

        using var reporting = new HttpClient { BaseAddress = system.AddressOf(ResourceNames.Reporting) };
        await Eventually.TrueAsync(
            async () => Has(await reporting.GetStringAsync("/metrics", Cancel), "published_messages_total", "type=\"report.created\""), "the published report");
        Has(await reporting.GetStringAsync("/metrics", Cancel), "idempotency_hits_total", "service=\"reporting\"").ShouldBeTrue();
    }

    [Fact]
    public async Task A_line_of_the_log_has_its_time_and_the_callers_correlation_id()
    {
        var correlation = $"support-{Guid.CreateVersion7()}";
        using var client = system.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/token")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["username"] = "nowhere@kashif.test", ["password"] = "not the password" }),
            Headers = { { "X-Correlation-Id", correlation } },
        };

        using var response = await client.SendAsync(request, Cancel);
        var line = await LogLineAsync(ResourceNames.Auth, correlation);

        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        line.ShouldMatch(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info: .*Login failed");
    }

    [Fact]
    public async Task The_gateways_health_has_the_checks_of_each_service()
    {
        var checks = (await system.HealthyAsync("/health")).GetProperty("checks");
        checks.GetProperty("cache").GetProperty("status").GetString().ShouldBe("healthy");
        foreach (var service in Services)
        {
            foreach (var dependency in new[] { "database", "messaging" })
            {
                var check = checks.GetProperty(service).GetProperty("checks").GetProperty(dependency);
                check.GetProperty("status").GetString().ShouldBe("healthy", $"{service} {dependency}");
                check.GetProperty("duration_ms").GetDouble().ShouldBeGreaterThanOrEqualTo(0);
            }
        }
    }

    [Fact]
    public async Task A_reports_etag_works_through_compression_and_envelope()
    {
        var citizen = await system.RegisterAsync();
        using var admin = (await system.AdminAsync()).Client;
        var id = await citizen.ReportAsync(new string('x', 120));
        using var read = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/reports/{id}") { Headers = { { "Prefer", "envelope" }, { "Accept-Encoding", "gzip" } } };
        using var report = await citizen.Client.SendAsync(read, Cancel);
        var tag = report.Headers.ETag?.ToString() ?? "";

        using var again = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/reports/{id}") { Headers = { { "Prefer", "envelope" }, { "If-None-Match", tag } } };
        using var known = await citizen.Client.SendAsync(again, Cancel);
        using var first = await VerifyAsync();
        using var second = await VerifyAsync();

        tag.ShouldContain("-envelope");
        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        second.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);

        async Task<HttpResponseMessage> VerifyAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Patch, $"/api/v1/reports/{id}/status") { Content = JsonContent.Create(new { status = "verified" }) };
            request.Headers.Add("If-Match", tag);
            return await admin.SendAsync(request, Cancel);
        }
    }

    [Fact]
    public async Task Every_area_supports_the_envelope_and_HEAD()
    {
        var citizen = await system.RegisterAsync();
        foreach (var path in new[] { "/api/v1/reports", "/api/v1/gamification/leaderboard", "/api/v1/coupons", "/api/v1/notifications" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Prefer", "envelope" } } };
            using var response = await citizen.Client.SendAsync(request, Cancel);
            var envelope = await response.JsonAsync(200);
            envelope.GetProperty("success").GetBoolean().ShouldBeTrue(path);
            envelope.GetProperty("data").ValueKind.ShouldBe(JsonValueKind.Array, path);
            envelope.GetProperty("meta").GetProperty("has_next").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);

            using var head = await citizen.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), Cancel);
            head.StatusCode.ShouldBe(HttpStatusCode.OK, path);
            (await head.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
        }
    }

    /// <summary>Whether the text has a sample above zero.</summary>
    private static bool Has(string text, string name, string label) => text.Split('\n').Any(
        line => line.StartsWith($"{name}{{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal) && !line.Contains("} 0 ", StringComparison.Ordinal));
}
