using System.Net;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The hourly quota of reports per user.</summary>
public sealed class QuotaTests(ReportingService service)
{
    private static readonly object Body = new { title = "One of many", description = "", category = "noise", latitude = -40, longitude = -40 };

    [Fact]
    public async Task Thirty_concurrent_posts_to_two_replicas_create_exactly_ten_reports()
    {
        await using var first = await service.StartAnotherAsync(10);
        await using var second = await service.StartAnotherAsync(10, first.Database);
        var user = Guid.CreateVersion7();
        HttpClient[] replicas = [first.As(user), second.As(user)];

        var responses = await Task.WhenAll(Enumerable.Range(0, 30).Select(index => replicas[index % 2].PostReportAsync(Body, index % 3 == 0 ? $"key-{index}" : null)));

        responses.Count(response => response.StatusCode == HttpStatusCode.Created).ShouldBe(10);
        var refused = responses.Where(response => response.StatusCode != HttpStatusCode.Created).ToArray();
        refused.ShouldAllBe(response => response.StatusCode == HttpStatusCode.TooManyRequests);
        (await refused[0].JsonAsync()).Code.ShouldBe("report_quota_exceeded");
        (await replicas[0].AllPagesAsync($"{Root}/my-reports?", 100)).Count.ShouldBe(10);

        await Eventually.TrueAsync(async () => await CountAsync("outbox") == 0, "the publishing of the events");
        await Eventually.TrueAsync(() => Events() >= 10, "the events");
        Events().ShouldBe(10);

        using var other = first.As(Guid.CreateVersion7());
        (await other.PostReportAsync(Body)).StatusCode.ShouldBe(HttpStatusCode.Created);

        int Events() => service.Tap.Envelopes(ReportCreated.Type).Count(envelope => envelope.GetProperty("data").GetProperty("user_id").GetGuid() == user);

        async Task<long> CountAsync(string table)
        {
            await using var connection = new NpgsqlConnection(first.Database);
            await connection.OpenAsync(Cancelled);
            await using var command = new NpgsqlCommand($"SELECT count(*) FROM {table}", connection);
            return (long)(await command.ExecuteScalarAsync(Cancelled) ?? 0L);
        }
    }

    [Fact]
    public async Task Retry_After_is_the_end_of_the_window()
    {
        var clock = new SettableClock(TimeProvider.System.GetUtcNow());
        await using var host = await service.StartAnotherAsync(2, configure: services => services.Replace(ServiceDescriptor.Singleton<TimeProvider>(clock)));
        using var client = host.As(Guid.CreateVersion7());
        (await client.PostReportAsync(Body)).StatusCode.ShouldBe(HttpStatusCode.Created);
        clock.Advance(TimeSpan.FromMinutes(20));
        (await client.PostReportAsync(Body)).StatusCode.ShouldBe(HttpStatusCode.Created);

        using var refused = await client.PostReportAsync(Body, "again");
        refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (refused.Headers.RetryAfter?.Delta).ShouldBe(TimeSpan.FromMinutes(40));

        clock.Advance(TimeSpan.FromMinutes(40) - TimeSpan.FromSeconds(1));
        (await client.PostReportAsync(Body)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        clock.Advance(TimeSpan.FromSeconds(1));
        (await client.PostReportAsync(Body, "again")).StatusCode.ShouldBe(HttpStatusCode.Created, "a rejection is not stored for its key");
        (await client.PostReportAsync(Body)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await client.PostReportAsync(Body)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    /// <summary>Sets the wall clock; timers run normally.</summary>
    private sealed class SettableClock(DateTimeOffset now) : TimeProvider
    {
        private DateTimeOffset _now = now;

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
    }
}
