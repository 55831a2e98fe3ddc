using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>What the operators see of one request in all processes, and that they see nothing else.</summary>
public sealed class TraceTests(KashifSystem system)
{
    private static readonly string[] Areas = ["auth", "reports", "gamification", "coupons", "notifications"];
    private static readonly string[] Processes =
        [ResourceNames.Gateway, ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];

    /// <summary>The traces of <see cref="MarkAsync"/>.</summary>
    private readonly HashSet<string> _marks = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_report_is_one_trace()
    {
        var citizen = await system.RegisterAsync();
        await citizen.ReportAsync();
        await citizen.WaitForPointsAsync(10);

        await TraceAsync(
            () => citizen.ReportAsync("A traced pothole"),
            calls:
            [
                "gateway: POST /api/v1/reports",
                "gateway: POST < POST /api/v1/reports",
                "reporting: POST /api/v1/reports/ < POST",
                "reporting: publish report.created < POST /api/v1/reports/",
                "reporting: process report.created < publish report.created",
                "gamification: process report.created < publish report.created",
                "notifications: process report.created < publish report.created",
                "gamification: publish points.awarded < process report.created",
                "notifications: process points.awarded < publish points.awarded",
            ],
            queries:
            [
                "reporting: INSERT report_quotas INSERT reports INSERT outbox",
                "reporting: INSERT inbox",
                "reporting: SELECT unnest SELECT follows SELECT area_follows",
                "reporting: SELECT webhooks",
                "gamification: INSERT inbox",
                "gamification: SELECT",
                "gamification: SELECT rule_versions",
                "gamification: SELECT areas",
                "gamification: SELECT report_events",
                "gamification: SELECT point_transactions",
                "gamification: INSERT balances",
                "gamification: INSERT period_totals INSERT scoped_totals",
                "gamification: UPDATE balances INSERT outbox INSERT point_transactions INSERT report_events",
                "gamification: SELECT quest_participations",
                "gamification: INSERT unlocked_achievements",
                "notifications: INSERT inbox",
                "notifications: SELECT unnest SELECT alerts SELECT inside",
                "notifications: INSERT inbox_heads",
                "notifications: SELECT preferences",
                "notifications: INSERT notifications INSERT held_deliveries INSERT deliveries",
                "notifications: SELECT alerts",
            ]);

        ShouldBeUntraced(citizen.Id.ToString(), "33.51", "36.29", "traced pothole");
    }

    [Fact]
    public async Task A_redemption_is_one_trace()
    {
        var citizen = await system.RegisterAsync();
        await citizen.ReportAsync();
        await citizen.WaitForPointsAsync(10);
        await citizen.RedeemAndWaitAsync(await system.CreateCouponAsync(stock: 5, pointsCost: 1));
        var coupon = await system.CreateCouponAsync(stock: 5, pointsCost: 5);

        await TraceAsync(
            async () => (await citizen.RedeemAsync(coupon)).Status.ShouldBe(201),
            calls:
            [
                "gateway: POST /api/v1/coupons/{**rest}",
                "gateway: POST < POST /api/v1/coupons/{**rest}",
                "coupons: POST /api/v1/coupons/{id:int}/redeem < POST",
                "coupons: GET < POST /api/v1/coupons/{id:int}/redeem",
                "gamification: GET /internal/v1/balances/{userId:guid} < GET",
                "coupons: PUT < POST /api/v1/coupons/{id:int}/redeem",
                "gamification: PUT /internal/v1/debits/{redemptionId:guid} < PUT",
                "gamification: publish points.redeemed < PUT /internal/v1/debits/{redemptionId:guid}",
                "coupons: publish coupon.redeemed < POST /api/v1/coupons/{id:int}/redeem",
                "notifications: process coupon.redeemed < publish coupon.redeemed",
                "notifications: process points.redeemed < publish points.redeemed",
            ],
            queries:
            [
                "gamification: SELECT balances",
                "coupons: SELECT",
                "coupons: UPDATE coupons",
                "coupons: SELECT redemptions",
                "coupons: INSERT redemptions INSERT stock_movements",
                "gamification: INSERT debits",
                "gamification: UPDATE balances",
                "gamification: INSERT outbox INSERT point_transactions",
                "coupons: UPDATE redemptions",
                "coupons: SELECT coupons",
                "coupons: INSERT outbox",
                "notifications: INSERT inbox",
                "notifications: INSERT inbox_heads",
                "notifications: SELECT preferences",
                "notifications: INSERT notifications INSERT held_deliveries INSERT deliveries",
                "notifications: SELECT alerts",
            ]);

        ShouldBeUntraced(citizen.Id.ToString());
    }

    [Fact]
    public async Task A_login_is_one_trace()
    {
        var email = $"user-{Guid.CreateVersion7():N}@kashif.test";
        using var client = system.Anonymous();
        using var registered = await client.PostAsJsonAsync(
            "/api/v1/auth/register", new { email, password = KashifSystem.Password, full_name = "Test User" }, Cancel);
        using var form = new FormUrlEncodedContent([new("username", email), new("password", KashifSystem.Password)]);

        await TraceAsync(
            async () =>
            {
                using var token = await client.PostAsync("/api/v1/auth/token", form, Cancel);
                token.StatusCode.ShouldBe(HttpStatusCode.OK);
            },
            calls:
            [
                "gateway: POST /api/v1/auth/token",
                "gateway: POST < POST /api/v1/auth/token",
                "auth: POST /api/v1/auth/token < POST",
            ],
            queries:
            [
                "auth: SELECT totp_credentials",
                "auth: UPDATE users",
                "auth: INSERT audit_log INSERT sessions INSERT refresh_tokens",
            ]);

        ShouldBeUntraced(email, KashifSystem.Password);
    }

    [Fact]
    public async Task Tokens_places_and_addresses_are_in_no_trace()
    {
        var token = $"device-{Guid.CreateVersion7():N}";
        var email = $"user-{Guid.CreateVersion7():N}";
        var citizen = await system.RegisterAsync();
        using var admin = (await system.AdminAsync()).Client;

        using var registered = await citizen.Client.PostAsJsonAsync("/api/v1/notifications/register-device", new { token, device_type = "android" }, Cancel);
        registered.IsSuccessStatusCode.ShouldBeTrue();
        using var unregistered = await citizen.Client.DeleteAsync($"/api/v1/notifications/devices/{token}", Cancel);
        unregistered.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var near = await citizen.Client.GetAsync("/api/v1/reports?latitude=33.5138471&longitude=36.2765283", Cancel);
        near.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var search = await admin.GetAsync($"/api/v1/auth/users?search={email}", Cancel);
        search.StatusCode.ShouldBe(HttpStatusCode.OK);
        await MarkAsync();

        ShouldBeUntraced(token, "33.5138471", "36.2765283", email);
        foreach (var process in (string[])[ResourceNames.Gateway, ResourceNames.Notifications])
        {
            system.Telemetry.Spans.ShouldContain(
                span => span.Service == process && span.Attributes.GetValueOrDefault("url.path") == "/api/v1/notifications/devices/*", process);
        }
    }

    [Fact]
    public async Task Probes_and_polls_are_in_no_trace()
    {
        await MarkAsync();
        var known = TraceIds();
        foreach (var process in Processes)
        {
            using var client = new HttpClient { BaseAddress = system.AddressOf(process) };
            foreach (var probe in (string[])["/health", "/alive", "/metrics"])
            {
                await Eventually.TrueAsync(
                    async () =>
                    {
                        using var answer = await client.GetAsync(probe, Cancel);
                        return answer.IsSuccessStatusCode;
                    },
                    $"{process}{probe}");
            }
        }

        await system.HealthyAsync("/api/v1/reports/health");

        // Ten exports are five seconds: relays, recovery and deliveries poll every second or two.
        var exports = Processes.ToDictionary(process => process, Exports);
        await Eventually.TrueAsync(() => Processes.All(process => Exports(process) >= exports[process] + 10), "ten exports of every process");
        await MarkAsync();

        Since(known).ShouldBeEmpty(Describe(Since(known)));

        int Exports(string process) => system.Telemetry.MetricExports(process, "api_requests");
    }

    /// <summary>Acts, and compares the spans that follow.</summary>
    /// <param name="calls">All of HTTP and of events, as <c>service: name &lt; the parent's name</c>.</param>
    /// <param name="queries">All that are sent to databases, each once: how many events share a query is a matter of timing.</param>
    private async Task TraceAsync(Func<Task> act, string[] calls, string[] queries)
    {
        await MarkAsync();
        var known = TraceIds();
        await act();
        ReceivedSpan[] spans = [];
        try
        {
            await Eventually.TrueAsync(
                () => Calls(spans = Since(known)).Length >= calls.Length && Queries(spans).Length >= queries.Length, "the spans");
        }
        catch (TimeoutException)
        {
            // The comparison says which are missing.
        }

        await MarkAsync();
        spans = Since(known);
        Calls(spans).ShouldBe(calls, ignoreOrder: true, Describe(spans));
        Queries(spans).ShouldBe(queries, ignoreOrder: true, Describe(spans));
        spans.Select(span => span.TraceId).Distinct().ShouldHaveSingleItem(Describe(spans));
        spans.ShouldAllBe(span => !span.IsError);
        TestContext.Current.TestOutputHelper?.WriteLine(Describe(spans));
    }

    private static bool IsQuery(ReceivedSpan span) => span.Attributes.ContainsKey("db.system.name");

    /// <summary>Queries that depend on the time and on other tests: categories, questions and promises are cached for five seconds, and another test may have left a webhook.</summary>
    private static readonly string[] Sometimes =
    [
        "reporting: SELECT categories", "reporting: SELECT questions", "reporting: SELECT areas", "reporting: SELECT agencies", "reporting: SELECT promises", "reporting: SELECT reports", "reporting: SELECT report_changes", "reporting: SELECT webhook_deliveries", "reporting: INSERT webhook_deliveries",
    ];

    private static string[] Queries(ReceivedSpan[] spans) => [.. spans.Where(IsQuery).Select(span => $"{span.Service}: {span.Name}").Except(Sometimes)];

    private static string[] Calls(ReceivedSpan[] spans) =>
    [
        .. from span in spans
           where !IsQuery(span)
           let parent = spans.FirstOrDefault(parent => parent.Id == span.ParentId)
           select parent is null ? $"{span.Service}: {span.Name}" : $"{span.Service}: {span.Name} < {parent.Name}",
    ];

    private HashSet<string> TraceIds() => [.. system.Telemetry.Spans.Select(span => span.TraceId)];

    /// <summary>Without <c>CONNECT</c>: a pool that grows opens a connection in any request.</summary>
    private ReceivedSpan[] Since(HashSet<string> known) =>
    [
        .. system.Telemetry.Spans.Where(span =>
            !known.Contains(span.TraceId) && !_marks.Contains(span.TraceId) && !span.Name.StartsWith("CONNECT ", StringComparison.Ordinal)),
    ];

    private void ShouldBeUntraced(params string[] texts)
    {
        foreach (var text in texts)
        {
            system.Telemetry.SpansContain(text).ShouldBeFalse(text);
        }
    }

    /// <summary>Waits for the spans of one request to every process: each exports in order, so the spans of earlier requests are there too.</summary>
    private async Task MarkAsync()
    {
        var trace = ActivityTraceId.CreateRandom().ToString();
        _marks.Add(trace);
        using var client = system.Anonymous();
        client.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
        foreach (var area in Areas)
        {
            using var answer = await client.GetAsync($"/api/v1/{area}/mark", Cancel);
        }

        await Eventually.TrueAsync(
            () => Processes.All(process => system.Telemetry.Spans.Any(span => span.TraceId == trace && span.Service == process && span.Kind is ActivityKind.Server)),
            "the spans of the mark");
    }

    /// <summary>The spans as trees.</summary>
    private static string Describe(ReceivedSpan[] spans)
    {
        var text = new StringBuilder();
        foreach (var root in spans.Where(span => spans.All(parent => parent.Id != span.ParentId)))
        {
            text.AppendLine(root.TraceId);
            Append(root, depth: 1);
        }

        return text.ToString();

        void Append(ReceivedSpan span, int depth)
        {
            text.Append(' ', depth * 2).AppendLine($"{span.Service}: {span.Name}");
            foreach (var child in spans.Where(child => child.ParentId == span.Id).OrderBy(child => child.Start))
            {
                Append(child, depth + 1);
            }
        }
    }
}
