using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Alerts;
using Kashif.Notifications.Data;
using Kashif.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Notifications.Tests;

/// <summary>Users' own rules: their fields, what fires them, and what does not.</summary>
public sealed class AlertTests(NotificationsServers servers, AlertService service) : IClassFixture<AlertService>
{
    private const string Path = "/api/v1/notifications/alerts";
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private NotificationsService Host => service.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_alert_is_created_listed_changed_and_deleted()
    {
        var user = Guid.CreateVersion7();
        var near = await CreateAsync(user, new { kind = "report_near", latitude = 33.51, longitude = 36.29, radius_km = 2.5, category = "pothole" });
        var balance = await CreateAsync(user, new { kind = "balance", threshold = 500 });
        using var client = Host.As(user);

        near.ToString().ShouldBe($$"""{"id":"{{near.GetProperty("id")}}","kind":"report_near","muted":false,"created_at":"{{near.GetProperty("created_at")}}","category":"pothole","latitude":33.51,"longitude":36.29,"radius_km":2.5}""");
        balance.GetProperty("direction").GetString().ShouldBe("above");
        var page = await client.GetFromJsonAsync<JsonElement>($"{Path}?limit=1", Cancel);
        page.GetProperty("items")[0].ToString().ShouldBe(near.ToString());
        var last = await client.GetFromJsonAsync<JsonElement>($"{Path}?limit=1&cursor={page.GetProperty("next_cursor")}", Cancel);
        last.GetProperty("items")[0].ToString().ShouldBe(balance.ToString());
        last.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);

        var id = balance.GetProperty("id").GetGuid();
        var (changed, body) = await ChangeAsync(user, id, new { threshold = 400, direction = "below", muted = true });
        changed.ShouldBe(200);
        (body.GetProperty("threshold").GetDouble(), body.GetProperty("direction").GetString(), body.GetProperty("muted").GetBoolean()).ShouldBe((400, "below", true));

        (await ChangeAsync(Guid.CreateVersion7(), id, new { muted = false })).Status.ShouldBe(404);
        using var other = Host.As(Guid.CreateVersion7());
        (await other.DeleteAsync($"{Path}/{id}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await client.DeleteAsync($"{Path}/{id}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await client.DeleteAsync($"{Path}/{id}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""{"kind":"score","threshold":101}""", "threshold")]
    [InlineData("""{"kind":"score","threshold":-1}""", "threshold")]
    [InlineData("""{"kind":"balance"}""", "threshold")]
    [InlineData("""{"kind":"balance","threshold":5,"direction":"sideways"}""", "direction")]
    [InlineData("""{"kind":"balance","threshold":5,"category":"pothole","coupon_id":3}""", "category,coupon_id")]
    [InlineData("""{"kind":"report_near","latitude":1}""", "longitude,radius_km")]
    [InlineData("""{"kind":"report_near","latitude":91,"longitude":-181,"radius_km":50.1}""", "latitude,longitude,radius_km")]
    [InlineData("""{"kind":"report_near","latitude":1,"longitude":1,"radius_km":0.09}""", "radius_km")]
    [InlineData("""{"kind":"report_overdue","threshold":1,"radius_km":1}""", "radius_km,threshold")]
    [InlineData("""{"kind":"coupon"}""", "coupon_id")]
    [InlineData("""{"kind":"coupon","coupon_id":0}""", "coupon_id")]
    [InlineData("""{"kind":"weather"}""", "kind")]
    [InlineData("{}", "kind")]
    public async Task An_invalid_alert_names_every_bad_field(string body, string fields)
    {
        using var client = Host.As(Guid.CreateVersion7());
        using var response = await client.PostAsync(Path, new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancel);

        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, problem.ToString());
        string.Join(',', problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal)).ShouldBe(fields);
    }

    [Fact]
    public async Task A_change_refuses_the_fields_of_another_kind()
    {
        var user = Guid.CreateVersion7();
        var id = (await CreateAsync(user, new { kind = "report_overdue" })).GetProperty("id").GetGuid();

        var (status, problem) = await ChangeAsync(user, id, new { threshold = 5, muted = true });

        status.ShouldBe(400);
        problem.GetProperty("errors").GetProperty("threshold")[0].GetString().ShouldBe("Does not belong to an alert of the kind report_overdue.");
    }

    [Fact]
    public async Task Concurrent_requests_create_no_more_than_fifty_alerts()
    {
        var user = Guid.CreateVersion7();
        using var client = Host.As(user);

        var responses = await Task.WhenAll(Enumerable.Range(1, 64).Select(threshold => client.PostAsJsonAsync(Path, new { kind = "balance", threshold }, Cancel)));

        responses.Count(response => response.StatusCode == HttpStatusCode.Created).ShouldBe(50);
        var refused = responses.Where(response => response.StatusCode != HttpStatusCode.Created).ToList();
        refused.ShouldAllBe(response => response.StatusCode == HttpStatusCode.UnprocessableEntity);
        (await refused[0].Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString().ShouldBe("too_many_alerts");
        (await Host.QueryAsync(database => database.Alerts.CountAsync(alert => alert.UserId == user, Cancel))).ShouldBe(50);
    }

    [Fact]
    public async Task A_balance_alert_fires_once_at_each_crossing_in_its_direction()
    {
        var user = Guid.CreateVersion7();
        await CreateAsync(user, new { kind = "balance", threshold = 100 });
        await CreateAsync(user, new { kind = "balance", threshold = 60, direction = "below" });
        var (time, crossing) = (Later(), Guid.CreateVersion7());
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 90, 90, "x"), time.AddSeconds(1));
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 20, 110, "x"), time.AddSeconds(2), crossing);
        await PublishAndWaitAsync(new PointsRedeemed(Guid.CreateVersion7(), user, 60, 50, "x"), time.AddSeconds(3));
        await Host.PublishAsync(new PointsAwarded(Guid.CreateVersion7(), user, 20, 110, "x"), crossing, time.AddSeconds(2)); // redelivered
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 5, 55, "x"), time.AddSeconds(4));
        await PublishAndWaitAsync(new PointsReversed(Guid.CreateVersion7(), user, 60, 115, "x"), time.AddSeconds(5));
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 10, 125, "x"), time.AddSeconds(6));
        await PublishAndWaitAsync(new PointsExpired(Guid.CreateVersion7(), user, 70, 55), time.AddSeconds(7));

        var alerts = await AlertsAsync(user);

        alerts.Select(alert => (alert.GetProperty("title").GetString(), alert.GetProperty("data").GetProperty("balance").GetString())).ShouldBe(
        [
            ("Your balance has fallen below 60", "55"), ("Your balance has reached 100", "115"), ("Your balance has fallen below 60", "50"), ("Your balance has reached 100", "110"),
        ]);
    }

    [Fact]
    public async Task An_older_event_that_arrives_late_never_fires()
    {
        var user = Guid.CreateVersion7();
        await CreateAsync(user, new { kind = "balance", threshold = 100 });
        var time = Later();
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 10, 50, "x"), time.AddSeconds(5));
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 20, 120, "x"), time.AddSeconds(4)); // before the redemption to 40
        (await AlertsAsync(user)).ShouldBeEmpty();

        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 60, 110, "x"), time.AddSeconds(6));
        (await AlertsAsync(user)).Single().GetProperty("body").GetString().ShouldBe("You now have 110 points.");

        // Known to be above, so no crossing.
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 60, 150, "x"), time.AddSeconds(7));
        (await AlertsAsync(user)).Length.ShouldBe(1);
    }

    [Fact]
    public async Task What_happens_while_an_alert_is_muted_or_before_it_exists_does_not_fire_it()
    {
        var user = Guid.CreateVersion7();
        var id = (await CreateAsync(user, new { kind = "balance", threshold = 100, muted = true })).GetProperty("id").GetGuid();
        var time = Later();
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 110, 110, "x"), time.AddSeconds(1));
        await ChangeAsync(user, id, new { muted = false });
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), user, 10, 120, "x"), time.AddSeconds(2));
        (await AlertsAsync(user)).ShouldBeEmpty();

        var newcomer = Guid.CreateVersion7();
        await CreateAsync(newcomer, new { kind = "balance", threshold = 100 });
        await PublishAndWaitAsync(new PointsAwarded(Guid.CreateVersion7(), newcomer, 110, 110, "x"), Now.AddHours(-1));
        (await AlertsAsync(newcomer)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_score_alert_fires_when_the_score_crosses_its_threshold()
    {
        var user = Guid.CreateVersion7();
        await CreateAsync(user, new { kind = "score", threshold = 70 });
        await Host.PublishAsync(new UserRegistered(user, "Lina Haddad", "lina@people.test", "ar"));
        await Host.WaitForFeedAsync(user, 1);

        await Host.PublishAsync(new ScoreUpdated(user, 71.5, 68, 70), time: Later());

        var alert = (await WaitForAlertsAsync(user, 1))[0];
        alert.GetProperty("title").GetString().ShouldBe("بلغ مؤشر الثقة لديك 70");
        alert.GetProperty("body").GetString().ShouldBe("مؤشر الثقة لديك الآن 71.5 من 100.");
    }

    [Theory]
    [InlineData(33.51, 36.29, 33.513, 36.29, true)] // 0.33 km
    [InlineData(33.51, 36.29, 33.53, 36.29, false)] // 2.2 km
    [InlineData(10, 179.999, 10, -179.999, true)] // over the antimeridian
    [InlineData(89.9999, 0, 89.9999, 180, true)] // over the pole
    [InlineData(-89.9999, -90, -89.9999, 90, true)]
    [InlineData(33.51, 36.29, 33.5165, 36.2968, true)] // 0.97 km
    [InlineData(33.51, 36.29, 33.5167, 36.299, false)] // 1.12 km, inside the box
    public async Task A_report_fires_the_alerts_whose_radius_contains_it(double latitude, double longitude, double reportLatitude, double reportLongitude, bool fires)
    {
        var (user, probe) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await CreateAsync(user, new { kind = "report_near", latitude, longitude, radius_km = 1 });
        await CreateAsync(probe, new { kind = "report_near", latitude = reportLatitude, longitude = reportLongitude, radius_km = 0.1 });

        await Host.PublishAsync(new ReportCreated(Guid.CreateVersion7(), Guid.CreateVersion7(), "Deep pothole", "pothole", reportLatitude, reportLongitude), time: Later());

        (await WaitForAlertsAsync(probe, 1))[0].GetProperty("body").GetString().ShouldBe("“Deep pothole” was reported right there.");
        (await AlertsAsync(user)).Length.ShouldBe(fires ? 1 : 0); // written in the same transaction
    }

    [Fact]
    public async Task A_report_notifies_each_other_user_once()
    {
        var (author, neighbour, other) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        foreach (var user in new[] { author, neighbour })
        {
            await CreateAsync(user, new { kind = "report_near", latitude = -20, longitude = 30, radius_km = 50 });
            await CreateAsync(user, new { kind = "report_near", latitude = -20, longitude = 30.004, radius_km = 5, category = "garbage" });
        }

        await CreateAsync(other, new { kind = "report_near", latitude = -20, longitude = 30, radius_km = 50, category = "noise" });
        var (report, id) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        for (var delivery = 0; delivery < 3; delivery++)
        {
            await Host.PublishAsync(new ReportCreated(report, author, "Bags", "garbage", -20, 30), id, Later());
        }

        var alert = (await WaitForAlertsAsync(neighbour, 1)).Single();
        alert.GetProperty("data").GetProperty("report_id").GetGuid().ShouldBe(report);
        (await AlertsAsync(author)).ShouldBeEmpty();
        (await AlertsAsync(other)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_report_is_matched_by_index_against_many_alerts()
    {
        await using var source = NpgsqlDataSource.Create(Host.Database);
        await using (var seed = source.CreateCommand("""
            INSERT INTO alerts (id, user_id, kind, latitude, longitude, radius_km, muted, created_at, active_since)
            SELECT gen_random_uuid(), gen_random_uuid(), 'report_near', 50 + random(), 8 + random(), 0.5, false, now(), now() FROM generate_series(1, 100000);
            ANALYZE alerts
            """))
        {
            seed.CommandTimeout = 600;
            await seed.ExecuteNonQueryAsync(Cancel);
        }

        var report = new ReceivedEvent<ReportCreated>(
            Guid.CreateVersion7(), Later(), new EventCause(null, null), new(Guid.CreateVersion7(), Guid.CreateVersion7(), "Hole", "pothole", 50.5, 8.5));
        var plan = await Host.QueryAsync(async database =>
        {
            await database.Database.OpenConnectionAsync(Cancel);
            await using var explain = ReportAlerts.Near(database, [ReportNearHandler.ToReport(report)]).CreateDbCommand();
            explain.CommandText = $"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {explain.CommandText}";
            var lines = new List<string>();
            await using var reader = await explain.ExecuteReaderAsync(Cancel);
            while (await reader.ReadAsync(Cancel))
            {
                lines.Add(reader.GetString(0));
            }

            return lines;
        });

        plan.ShouldContain(line => line.Contains("ix_alerts_area", StringComparison.Ordinal), string.Join('\n', plan));
        plan.ShouldNotContain(line => line.Contains("Seq Scan on alerts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_report_near_very_many_users_tells_them_in_batches()
    {
        const int Users = 1_300;
        await using var source = NpgsqlDataSource.Create(Host.Database);
        await using (var seed = source.CreateCommand($"""
            INSERT INTO alerts (id, user_id, kind, latitude, longitude, radius_km, muted, created_at, active_since)
            SELECT gen_random_uuid(), md5('crowd' || number % {Users})::uuid, 'report_near', -40, 100 + random() / 1000, 5, false, now(), now() FROM generate_series(1, {Users} * 2) AS number
            """))
        {
            await seed.ExecuteNonQueryAsync(Cancel);
        }

        var report = Guid.CreateVersion7();
        await Host.PublishAsync(new ReportCreated(report, Guid.CreateVersion7(), "Deep pothole", "pothole", -40, 100), time: Later());

        await using var count = source.CreateCommand($"SELECT count(*) FROM notifications WHERE type = 'alert' AND data ->> 'report_id' = '{report}'");
        await Eventually.TrueAsync(async () => (long)(await count.ExecuteScalarAsync(Cancel) ?? 0L) >= Users, "the alerts");
        await Eventually.TrueAsync(async () => !await Host.QueryAsync(database => database.PendingReports.AnyAsync(Cancel)), "the end");
        await using var transactions = source.CreateCommand(
            $"SELECT count(*), count(DISTINCT user_id) FROM notifications WHERE type = 'alert' AND data ->> 'report_id' = '{report}' GROUP BY xmin::text ORDER BY 1");
        await using var reader = await transactions.ExecuteReaderAsync(Cancel);
        var batches = new List<(long, long)>();
        while (await reader.ReadAsync(Cancel))
        {
            batches.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        batches.ShouldBe([(300, 300), (500, 500), (500, 500)]);
    }

    [Fact]
    public async Task A_pending_report_that_fails_does_not_hold_up_the_others()
    {
        var (user, failing, other, report) = (Guid.CreateVersion7(), Guid.Empty, Guid.CreateVersion7(), Guid.CreateVersion7());
        await CreateAsync(user, new { kind = "report_near", latitude = -41.0, longitude = 101.0, radius_km = 5.0 });

        // First in the order, and PostgreSQL has no cosine of its latitude.
        await Host.QueryAsync(async database =>
        {
            database.PendingReports.AddRange(Pending(failing, failing, double.PositiveInfinity), Pending(other, report, -41));
            return await database.SaveChangesAsync(Cancel);
        });
        try
        {
            await Eventually.TrueAsync(async () => (await Host.FeedAsync(user)).Any(item => item.GetProperty("data").GetProperty("report_id").GetGuid() == report), "the alert");
            await Eventually.TrueAsync(async () => !await Host.QueryAsync(database => database.PendingReports.AnyAsync(row => row.EventId == other, Cancel)), "the end of the other");
        }
        finally
        {
            await Host.QueryAsync(database => database.PendingReports.Where(row => row.EventId == failing).ExecuteDeleteAsync(Cancel));
        }

        PendingReport Pending(Guid eventId, Guid reportId, double latitude) => new()
        {
            EventId = eventId,
            ReportId = reportId,
            UserId = Guid.CreateVersion7(),
            Title = "Deep pothole",
            Category = "pothole",
            Latitude = latitude,
            Longitude = 101,
            OccurredAt = Later(),
        };
    }

    [Fact]
    public async Task Events_of_a_batch_are_taken_in_the_order_of_their_time()
    {
        var user = Guid.CreateVersion7();
        var id = (await CreateAsync(user, new { kind = "balance", threshold = 100, direction = "below" })).GetProperty("id").GetGuid();
        var time = Later();
        await Host.QueryAsync(async database =>
        {
            await using var scope = Host.Services.CreateAsyncScope();
            var services = scope.ServiceProvider;
            database = services.GetRequiredService<NotificationsDbContext>();
            await ActivatorUtilities.CreateInstance<ValueAlertHandler<PointsAwarded>>(services).HandleAsync(
                [Received(new PointsAwarded(Guid.CreateVersion7(), user, 20, 110, "x"), time.AddSeconds(2))], Cancel);
            await ActivatorUtilities.CreateInstance<ValueAlertHandler<PointsRedeemed>>(services).HandleAsync(
                [Received(new PointsRedeemed(Guid.CreateVersion7(), user, 10, 90, "x"), time.AddSeconds(1))], Cancel);
            foreach (var step in services.GetServices<IBatchStep>())
            {
                await step.CompleteAsync(Cancel);
            }

            return await database.SaveChangesAsync(Cancel);
        });

        (await AlertsAsync(user)).ShouldHaveSingleItem();
        (await Host.QueryAsync(database => database.Alerts.Where(alert => alert.Id == id).Select(alert => alert.LastValue).SingleAsync(Cancel))).ShouldBe(110);

        static ReceivedEvent<TEvent> Received<TEvent>(TEvent data, DateTimeOffset time)
            where TEvent : IIntegrationEvent => new(Guid.CreateVersion7(), time, new EventCause(null, null), data);
    }

    [Fact]
    public async Task An_ended_coupon_without_alerts_is_forgotten()
    {
        service.Coupons.Add(81, "Ended", stock: 3, endsAt: Now.AddDays(-2));
        service.Coupons.Add(82, "Watched", stock: 3, endsAt: Now.AddDays(-2));
        await PublishCouponAsync(81, stock: 3, version: 1, Now.AddDays(-2));
        await PublishCouponAsync(83, stock: 3, version: 1, Now.AddDays(2));
        await CreateAsync(Guid.CreateVersion7(), new { kind = "coupon", coupon_id = 82 });

        await Host.Services.GetServices<IHostedService>().OfType<KnownCouponCleanup>().Single().RunOnceAsync(Cancel);

        (await Host.QueryAsync(database => database.KnownCoupons.Where(coupon => coupon.Id > 80).Select(coupon => coupon.Id).Order().ToListAsync(Cancel))).ShouldBe([82, 83]);
    }

    [Fact]
    public async Task An_overdue_report_fires_once()
    {
        var user = Guid.CreateVersion7();
        await CreateAsync(user, new { kind = "report_overdue" });
        await CreateAsync(user, new { kind = "report_overdue" });
        var report = Guid.CreateVersion7();
        for (var publication = 0; publication < 2; publication++)
        {
            await PublishAndWaitAsync(new ReportOverdue(report, user, "Deep pothole", "pothole", new DateTimeOffset(2026, 11, 8, 9, 0, 0, TimeSpan.Zero)), Later());
        }

        var alert = (await WaitForAlertsAsync(user, 1)).Single();
        alert.GetProperty("body").GetString().ShouldBe("“Deep pothole” was promised to be resolved by 8 November 2026. It is still open.");
        (await Host.QueryAsync(database => database.Notifications.CountAsync(row => row.UserId == user, Cancel))).ShouldBe(1, "the alert takes the place of the notification");
    }

    [Fact]
    public async Task A_watched_coupon_must_exist()
    {
        var user = Guid.CreateVersion7();
        using var client = Host.As(user);

        using var unknown = await client.PostAsJsonAsync(Path, new { kind = "coupon", coupon_id = 404 }, Cancel);
        service.Coupons.IsDown = true;
        using var down = await client.PostAsJsonAsync(Path, new { kind = "coupon", coupon_id = 500 }, Cancel);
        service.Coupons.IsDown = false;

        ((int)unknown.StatusCode, (await unknown.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString()).ShouldBe((422, "unknown_coupon"));
        ((int)down.StatusCode, (await down.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString()).ShouldBe((503, "coupons_unavailable"));
        (await Host.QueryAsync(database => database.Alerts.AnyAsync(alert => alert.UserId == user, Cancel))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_watched_coupon_fires_when_it_is_back_in_stock()
    {
        var (watcher, muted) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        service.Coupons.Add(71, "Free coffee", stock: 0);
        await CreateAsync(watcher, new { kind = "coupon", coupon_id = 71 });
        await CreateAsync(muted, new { kind = "coupon", coupon_id = 71, muted = true });

        await PublishCouponAsync(71, stock: 5, version: 3);
        (await WaitForAlertsAsync(watcher, 1))[0].GetProperty("body").GetString().ShouldBe("“Free coffee” is available again.");
        await PublishCouponAsync(71, stock: 0, version: 2); // late
        await PublishCouponAsync(71, stock: 4, version: 4); // was never out
        await PublishCouponAsync(71, stock: 0, version: 5);
        await PublishCouponAsync(71, stock: 1, version: 6);

        var alerts = await WaitForAlertsAsync(watcher, 2);
        alerts.Length.ShouldBe(2);
        alerts[0].GetProperty("data").GetProperty("coupon_id").GetString().ShouldBe("71");
        (await AlertsAsync(muted)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Replicas_announce_the_end_of_a_watched_coupon_once_for_each_end()
    {
        await using var replica = await NotificationsService.StartAsync(servers, service.Settings, Host.Database);
        var (watcher, muted) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var ends = Now.AddDays(2);
        service.Coupons.Add(72, "Free tea", stock: 3, endsAt: Now.AddDays(30));
        await CreateAsync(watcher, new { kind = "coupon", coupon_id = 72 });
        var mutedId = (await CreateAsync(muted, new { kind = "coupon", coupon_id = 72, muted = true })).GetProperty("id").GetGuid();

        await PublishCouponAsync(72, stock: 0, version: 2, ends);
        var alert = (await WaitForAlertsAsync(watcher, 1)).Single();
        alert.GetProperty("body").GetString().ShouldBe($"“Free tea” ends on {ends.UtcDateTime.ToString("d MMMM yyyy", CultureInfo.InvariantCulture)}.");
        await Eventually.TrueAsync(async () => await Host.QueryAsync(
            database => database.Alerts.AnyAsync(row => row.Id == mutedId && row.ExpiringFor != null, Cancel)), "the muted alert");
        await ChangeAsync(muted, mutedId, new { muted = false });

        await PublishCouponAsync(72, stock: 0, version: 3, ends.AddHours(1));
        (await WaitForAlertsAsync(watcher, 2)).Length.ShouldBe(2);
        (await WaitForAlertsAsync(muted, 1)).Length.ShouldBe(1); // the second end only
    }

    [Fact]
    public async Task Alerts_are_exported_and_erased()
    {
        var user = Guid.CreateVersion7();
        await CreateAsync(user, new { kind = "report_near", latitude = 12.3456, longitude = 65.4321, radius_km = 1 });
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        using var auth = Host.AsService();

        (await auth.GetFromJsonAsync<JsonElement>($"/internal/v1/users/{user}/export", Cancel)).GetProperty("alerts")[0].GetProperty("latitude").GetDouble().ShouldBe(12.3456);
        await tap.EraseAsync(user, ResourceNames.Notifications);

        (await Host.QueryAsync(database => database.Alerts.AnyAsync(alert => alert.UserId == user, Cancel))).ShouldBeFalse();
    }

    /// <summary>After every alert that a test has created before.</summary>
    private static DateTimeOffset Later() => TimeProvider.System.GetUtcNow().AddMinutes(1);

    private async Task<JsonElement> CreateAsync(Guid user, object alert)
    {
        using var client = Host.As(user);
        using var response = await client.PostAsJsonAsync(Path, alert, Cancel);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.Created, body.ToString());
        return body;
    }

    private async Task<(int Status, JsonElement Body)> ChangeAsync(Guid user, Guid id, object change)
    {
        using var client = Host.As(user);
        using var response = await client.PatchAsJsonAsync($"{Path}/{id}", change, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private async Task PublishAndWaitAsync<TEvent>(TEvent data, DateTimeOffset time, Guid? id = null)
        where TEvent : IIntegrationEvent
    {
        var eventId = id ?? Guid.CreateVersion7();
        await Host.PublishAsync(data, eventId, time);
        await Eventually.TrueAsync(
            async () => await Host.QueryAsync(database => database.Set<InboxEntry>().AnyAsync(entry => entry.EventId == eventId && entry.Handler == "alert", Cancel)), "the event");
    }

    private Task PublishCouponAsync(int coupon, int stock, int version, DateTimeOffset? endsAt = null) =>
        PublishAndWaitAsync(new CouponUpdated(coupon, coupon == 71 ? "Free coffee" : "Free tea", stock, Now.AddDays(-1), endsAt, 3, version), Later());

    private async Task<JsonElement[]> AlertsAsync(Guid user) => [.. (await Host.FeedAsync(user)).Where(item => item.GetProperty("type").GetString() == "alert")];

    private async Task<JsonElement[]> WaitForAlertsAsync(Guid user, int count)
    {
        JsonElement[] alerts = [];
        await Eventually.TrueAsync(async () => (alerts = await AlertsAsync(user)).Length >= count, $"{count} alerts");
        return alerts;
    }
}

/// <summary>One service for all tests of alerts, with a stand-in for Coupons.</summary>
public sealed class AlertService(NotificationsServers servers) : IAsyncLifetime
{
    private NotificationsService? _host;

    internal NotificationsService Host => _host ?? throw new InvalidOperationException("Not started.");

    internal FakeCoupons Coupons { get; } = new();

    internal Dictionary<string, string?> Settings => new()
    {
        [$"services:{ResourceNames.Coupons}:http:0"] = Coupons.Address,
        ["Alerts:Poll"] = "00:00:00.05",
    };

    public async ValueTask InitializeAsync()
    {
        await Coupons.StartAsync();
        _host = await NotificationsService.StartAsync(servers, Settings);

        // Until then a read may take longer than CouponReader waits.
        Coupons.Add(1, "Warm", stock: 1);
        await Eventually.TrueAsync(
            async () =>
            {
                await using var scope = Host.Services.CreateAsyncScope();
                return (await scope.ServiceProvider.GetRequiredService<CouponReader>().FindAsync(1, TestContext.Current.CancellationToken)).IsAvailable;
            },
            "the first answer of Coupons");
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Coupons.DisposeAsync();
    }
}

/// <summary>Coupons' public API, as documented.</summary>
internal sealed class FakeCoupons : IAsyncDisposable
{
    private readonly Dictionary<int, object> _coupons = [];
    private WebApplication? _app;

    public bool IsDown { get; set; }

    public string Address => _app?.Urls.Single() ?? throw new InvalidOperationException("Not started.");

    public void Add(int id, string title, int stock, DateTimeOffset? endsAt = null) => _coupons[id] = new
    {
        id,
        title,
        description = "",
        company_id = 7,
        company_name = "Corner Café",
        category_id = 3,
        points_cost = 15,
        stock,
        per_user_limit = 1,
        starts_at = DateTimeOffset.UnixEpoch,
        ends_at = endsAt,
        terms = (string?)null,
    };

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/api/v1/coupons/{id:int}", (int id) =>
            IsDown ? Results.StatusCode(503) : _coupons.TryGetValue(id, out var coupon) ? Results.Json(coupon) : Results.NotFound());
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
