using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Inbox;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Notifications.Tests;

/// <summary>What users receive when.</summary>
public sealed class PreferenceTests(SharedService shared) : IClassFixture<SharedService>
{
    private const string Path = "/api/v1/notifications/preferences";
    private readonly Guid _user = Guid.CreateVersion7();

    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Preferences_are_the_defaults_until_they_are_set()
    {
        using var client = Service.As(_user);

        var defaults = await client.GetFromJsonAsync<JsonElement>(Path, Cancel);
        defaults.GetProperty("types").GetProperty("coupon.redeemed").GetRawText().ShouldBe("""{"push":true,"email":true}""");
        defaults.GetProperty("types").GetProperty("points.awarded").GetRawText().ShouldBe("""{"push":true,"email":false}""");
        (defaults.GetProperty("digest").GetString(), defaults.GetProperty("digest_at").GetString(), defaults.GetProperty("time_zone").GetString()).ShouldBe(("none", "08:00", "UTC"));

        var set = await PutAsync(new
        {
            types = new Dictionary<string, object> { ["points.awarded"] = new { push = false, email = true } },
            quiet_hours = new { from = "22:00", to = "07:30", time_zone = "Asia/Gaza" },
            digest = "daily",
            digest_at = "09:15",
        });

        set.GetProperty("types").GetProperty("points.awarded").GetRawText().ShouldBe("""{"push":false,"email":true}""");
        set.GetProperty("types").GetProperty("coupon.redeemed").GetRawText().ShouldBe("""{"push":true,"email":true}""");
        set.GetProperty("quiet_hours").GetRawText().ShouldBe("""{"from":"22:00","to":"07:30","time_zone":"Asia/Gaza"}""");
        (set.GetProperty("digest").GetString(), set.GetProperty("digest_at").GetString(), set.GetProperty("time_zone").GetString()).ShouldBe(("daily", "09:15", "Asia/Gaza"));
        (await client.GetFromJsonAsync<JsonElement>(Path, Cancel)).GetRawText().ShouldBe(set.GetRawText());
    }

    [Fact]
    public async Task An_administrators_own_code_can_be_turned_off()
    {
        await MailAsync();
        await DeviceAsync();
        var code = await Service.AddTemplateAsync();
        using var client = Service.As(_user);
        (await client.GetFromJsonAsync<JsonElement>(Path, Cancel)).GetProperty("types").GetProperty(code).GetRawText().ShouldBe("""{"push":true,"email":true}""");

        await PutAsync(new { types = new Dictionary<string, object> { [code] = new { push = true, email = false } } });
        (await Service.SendAsync(_user, code)).EnsureSuccessStatusCode();
        (await Service.SendAsync(_user, code, "email")).EnsureSuccessStatusCode();

        var feed = await Service.WaitForFeedAsync(_user, 2);
        (await Task.WhenAll(feed.Select(DeliveriesAsync))).SelectMany(channels => channels).ShouldBe(["push"]);
    }

    [Fact]
    public async Task A_choice_for_all_types_covers_later_ones()
    {
        await MailAsync();
        await DeviceAsync();
        var set = await PutAsync(new
        {
            types = new Dictionary<string, object> { ["*"] = new { push = false, email = false }, ["coupon.redeemed"] = new { push = true, email = true } },
        });
        set.GetProperty("types").GetProperty("*").GetRawText().ShouldBe("""{"push":false,"email":false}""");
        set.GetProperty("types").GetProperty("points.awarded").GetRawText().ShouldBe("""{"push":false,"email":false}""");

        var code = await Service.AddTemplateAsync();
        (await Service.SendAsync(_user, code)).EnsureSuccessStatusCode();
        (await Service.SendAsync(_user, code, "email")).EnsureSuccessStatusCode();
        await Service.NotifyAsync(_user);
        var silent = await Service.WaitForFeedAsync(_user, 3);
        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 7, "Free coffee", "ABCD", 50));
        var feed = await Service.WaitForFeedAsync(_user, 4);

        (await Task.WhenAll(silent.Select(DeliveriesAsync))).ShouldAllBe(channels => channels.Length == 0);
        (await DeliveriesAsync(feed.Single(item => item.GetProperty("type").GetString() == CouponRedeemed.Type))).ShouldBe(["email", "push"]);

        // A client sends back what it has read.
        var same = (await PutAsync(set)).GetProperty("types");
        set.GetProperty("types").EnumerateObject().ShouldAllBe(type => same.GetProperty(type.Name).GetRawText() == type.Value.GetRawText());
    }

    [Fact]
    public async Task A_notification_can_be_deleted_while_its_push_is_released()
    {
        await DeviceAsync();
        await PutAsync(new { paused_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        var notification = await Service.NotifyAsync(_user);
        await Service.QueryAsync(async database =>
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            await database.Database.ExecuteSqlAsync($"SET LOCAL deadlock_timeout = '10ms'", Cancel); // The first to see a deadlock ends with it.
            await database.Database.ExecuteSqlAsync($"SELECT FROM notifications WHERE id = {Id(notification)} FOR UPDATE", Cancel);
            await HoldIsOverAsync();
            await Service.BlockedAsync();

            await database.Database.ExecuteSqlAsync($"DELETE FROM notifications WHERE id = {Id(notification)}", Cancel);
            await transaction.CommitAsync(Cancel);
            return 0;
        });

        (await HeldAsync()).ShouldBe(0);
        (await Service.FeedAsync(_user)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("""{"types": {"nonsense": {"push": true, "email": true}}}""", "types.nonsense")]
    [InlineData("""{"types": {"points.awarded": null}}""", "types.points.awarded")]
    [InlineData("""{"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Moon/Base"}}""", "quiet_hours.time_zone")]
    [InlineData("""{"quiet_hours": {"from": "24:00", "to": "07:00", "time_zone": "UTC"}}""", "quiet_hours.from")]
    [InlineData("""{"quiet_hours": {"from": "22:00", "to": "22:00", "time_zone": "UTC"}}""", "quiet_hours.to")]
    [InlineData("""{"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "UTC"}, "time_zone": "Asia/Gaza"}""", "time_zone")]
    [InlineData("""{"time_zone": "Moon/Base"}""", "time_zone")]
    [InlineData("""{"digest": "weekly"}""", "digest")]
    [InlineData("""{"digest_at": "8"}""", "digest_at")]
    [InlineData("""{"paused_until": "2999-01-01T00:00:00Z"}""", "paused_until")]
    public async Task Invalid_preferences_return_400_with_the_bad_field(string body, string field)
    {
        var problem = await PutAsync(JsonElement.Parse(body), HttpStatusCode.BadRequest);

        problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldContain(field);
    }

    [Fact]
    public async Task A_type_without_push_is_only_in_the_inbox()
    {
        await DeviceAsync();
        await PutAsync(new { types = new Dictionary<string, object> { ["points.awarded"] = new { push = false, email = false } } });

        var quiet = await Service.NotifyAsync(_user);
        await Service.PublishAsync(new ReportCreated(Guid.CreateVersion7(), _user, "Lamp", "lighting", 1, 2));
        var feed = await Service.WaitForFeedAsync(_user, 2);
        var loud = feed.Single(item => item.GetProperty("type").GetString() == ReportCreated.Type);

        (await DeliveriesAsync(loud)).ShouldBe(["push"]);
        (await DeliveriesAsync(quiet)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_type_can_be_mailed_that_is_not_by_default()
    {
        await MailAsync();
        await PutAsync(new { types = new Dictionary<string, object> { ["points.awarded"] = new { push = true, email = true }, ["coupon.redeemed"] = new { push = true, email = false } } });

        var points = await Service.NotifyAsync(_user);
        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 7, "Free coffee", "ABCD", 50));
        var coupon = (await Service.WaitForFeedAsync(_user, 2)).Single(item => item.GetProperty("type").GetString() == CouponRedeemed.Type);

        (await DeliveriesAsync(points)).ShouldBe(["email"]);
        (await DeliveriesAsync(coupon)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_comes_in_quiet_hours_is_merged_when_they_end()
    {
        await DeviceAsync();
        await DeviceAsync();
        await MailAsync();
        await PutAsync(new { quiet_hours = QuietNow() });

        var coupons = new List<JsonElement>();
        for (var count = 0; count < 4; count++)
        {
            await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, count, $"Coupon {count}", "ABCD", 50));
        }

        coupons.AddRange(await Service.WaitForFeedAsync(_user, 4));
        (await Service.UnreadAsync(_user)).ShouldBe(4);
        foreach (var coupon in coupons)
        {
            (await DeliveriesAsync(coupon)).ShouldBeEmpty();
        }

        using var client = Service.As(_user);
        using var read = await client.PatchAsync($"/api/v1/notifications/{Id(coupons[0])}/read", null, Cancel);
        using var deleted = await client.DeleteAsync($"/api/v1/notifications/{Id(coupons[1])}", Cancel);
        await HoldIsOverAsync();

        await Eventually.TrueAsync(async () => (await DigestsAsync()).Length == 3, "the digests");
        (await DigestsAsync()).ShouldBe(["email 2", "push 2", "push 2"]);
        (await Service.UnreadAsync(_user)).ShouldBe(2);
        (await Service.FeedAsync(_user)).Length.ShouldBe(3);
        (await HeldAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_single_held_notification_is_sent_as_itself()
    {
        await DeviceAsync();
        await PutAsync(new { paused_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        var notification = await Service.NotifyAsync(_user);
        (await DeliveriesAsync(notification)).ShouldBeEmpty();

        // The end of the pause, at once.
        await PutAsync(new { });

        await Eventually.TrueAsync(async () => (await DeliveriesAsync(notification)).Length == 1, "the push");
        (await DigestsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_read_meanwhile_is_not_sent()
    {
        await DeviceAsync();
        await PutAsync(new { paused_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        await Service.NotifyAsync(_user);
        await Service.NotifyAsync(_user);
        using var client = Service.As(_user);
        using var all = await client.PostAsync("/api/v1/notifications/read-all", null, Cancel);

        await PutAsync(new { });

        await Eventually.TrueAsync(async () => await HeldAsync() == 0, "the release");
        (await DigestsAsync()).ShouldBeEmpty();
        foreach (var notification in await Service.FeedAsync(_user))
        {
            (await DeliveriesAsync(notification)).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task High_priority_is_sent_at_once()
    {
        await DeviceAsync();
        await PutAsync(new { quiet_hours = QuietNow(), paused_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        await using (var scope = Service.Services.CreateAsyncScope())
        {
            var writer = scope.ServiceProvider.GetRequiredService<NotificationWriter>();
            writer.Add(
                [
                    new NotificationDraft(
                        Guid.CreateVersion7(), _user, PointsAwarded.Type, PointsAwarded.Type, new JsonObject { ["points"] = 1, ["balance"] = 1 },
                        new Dictionary<string, string>(), TimeProvider.System.GetUtcNow()) { Priority = Priority.High },
                ]);
            await writer.CompleteAsync(Cancel);
            writer.Committed();
        }

        (await DeliveriesAsync((await Service.WaitForFeedAsync(_user, 1))[0])).ShouldBe(["push"]);
    }

    [Fact]
    public async Task A_digest_holds_mails_and_not_pushes()
    {
        await DeviceAsync();
        await MailAsync();
        await PutAsync(new { digest = "daily", digest_at = "09:00", time_zone = "Pacific/Kiritimati" });

        await Service.PublishAsync(new CouponRedeemed(Guid.CreateVersion7(), _user, 7, "Free coffee", "ABCD", 50));
        var coupon = (await Service.WaitForFeedAsync(_user, 1))[0];

        (await DeliveriesAsync(coupon)).ShouldBe(["push"]);
        var due = await Service.QueryAsync(database => database.HeldDeliveries.Where(held => held.UserId == _user).Select(held => held.ReleaseAt).SingleAsync(Cancel));
        due.TimeOfDay.ShouldBe(new TimeSpan(19, 0, 0)); // UTC+14
        await HoldIsOverAsync();
        await Eventually.TrueAsync(async () => (await DeliveriesAsync(coupon)).Length == 2, "the mail");
    }

    private static object QuietNow()
    {
        var now = TimeProvider.System.GetUtcNow();
        return new { from = Text(now.AddHours(-1)), to = Text(now.AddHours(1)), time_zone = "UTC" };

        static string Text(DateTimeOffset time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);
    }

    private async Task DeviceAsync() => (await Service.RegisterAsync(_user, $"device-{Guid.CreateVersion7():N}")).EnsureSuccessStatusCode();

    /// <summary>Turns e-mails on.</summary>
    private async Task MailAsync()
    {
        await Service.PublishAsync(new UserUpdated(_user, "Amal", "amal@example.org", "en", ["email", "push"]));
        await Eventually.TrueAsync(() => Service.QueryAsync(database => database.Recipients.AnyAsync(row => row.UserId == _user && row.EmailEnabled, Cancel)), "the recipient");
    }

    private async Task HoldIsOverAsync()
    {
        await using var database = NpgsqlDataSource.Create(Service.Database);
        await using var update = database.CreateCommand("UPDATE held_deliveries SET release_at = now() WHERE user_id = $1");
        update.Parameters.Add(new() { Value = _user });
        await update.ExecuteNonQueryAsync(Cancel);
    }

    private Task<int> HeldAsync() => Service.QueryAsync(database => database.HeldDeliveries.CountAsync(held => held.UserId == _user, Cancel));

    /// <summary>The channel of each delivery of a notification.</summary>
    private async Task<string[]> DeliveriesAsync(JsonElement notification)
    {
        var id = Id(notification);
        return await Service.QueryAsync(database => database.Deliveries.Where(row => row.NotificationId == id).Select(row => row.Channel).Order().ToArrayAsync(Cancel));
    }

    /// <summary>The channel and the number of notifications of each delivery of a digest.</summary>
    private Task<string[]> DigestsAsync() => Service.QueryAsync(async database =>
    {
        var rows = await (
            from notification in database.Notifications
            join delivery in database.Deliveries on notification.Id equals delivery.NotificationId
            where notification.UserId == _user && notification.Folder == Folders.Digest
            select new { delivery.Channel, notification.Variables }).ToListAsync(Cancel);
        return rows.Select(row => $"{row.Channel} {JsonElement.Parse(row.Variables ?? "").GetProperty("count")}").Order().ToArray();
    });

    private async Task<JsonElement> PutAsync(object preferences, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var client = Service.As(_user);
        using var response = await client.PutAsJsonAsync(Path, preferences, Cancel);
        response.StatusCode.ShouldBe(expected);
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    private static Guid Id(JsonElement notification) => notification.GetProperty("id").GetGuid();
}
