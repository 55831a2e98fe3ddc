using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Tests;

/// <summary>Each event becomes one notification to its user, in the user's language.</summary>
public sealed class FeedTests(SharedService shared) : IClassFixture<SharedService>
{
    private const string Root = "/api/v1/notifications";
    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("en", "Welcome to Kashif", "Report received", "Report status updated", "Points earned", "Points taken back", "Points expired", "Coupon redeemed", "Quest completed", "Three potholes", "Achievement unlocked", "First report", "Order on its way", "The carrier")]
    [InlineData("ar", "أهلاً بك في كاشف", "تم استلام بلاغك", "تحديث على بلاغك", "نقاط جديدة", "خصم نقاط", "نقاط انتهت صلاحيتها", "تم استبدال القسيمة", "أكملت المهمة", "ثلاث حفر", "إنجاز جديد", "أول بلاغ", "طلبك في الطريق", "شركة الشحن")]
    public async Task Each_event_notifies_its_user_in_their_language(
        string language, string welcome, string received, string moved, string earned, string reversed, string expired, string redeemed, string completed, string quest,
        string unlocked, string achievement, string shipped, string carrier)
    {
        var user = Guid.CreateVersion7();
        var id = Guid.CreateVersion7();
        await Service.PublishAsync(new UserRegistered(user, "Amal Haddad", "amal@example.org", language));
        await Service.WaitForFeedAsync(user, 1);

        await Service.PublishAsync(new ReportCreated(id, user, "Broken lamp", "lighting", 33.5, 36.3));
        await Service.PublishAsync(new ReportStatusUpdated(id, user, "Broken lamp", "submitted", "verified", "Seen it", Guid.CreateVersion7(), 2));
        await Service.PublishAsync(new PointsAwarded(id, user, 10, 60, "report_created"));
        await Service.PublishAsync(new PointsReversed(id, user, -10, 50, "report_rejected"));
        await Service.PublishAsync(new CouponRedeemed(id, user, 7, "Free coffee", "ABCD", 50));
        await Service.PublishAsync(new QuestCompleted(user, 5, "Three potholes", "ثلاث حفر", 50));

        await Service.PublishAsync(new PointsExpired(id, user, 7, 53));
        await Service.PublishAsync(new AchievementUnlocked(user, "first_report", "First report", "أول بلاغ"));
        await Service.PublishAsync(new OrderUpdated(id, user, "packed", "shipped", 4));

        var feed = (await Service.WaitForFeedAsync(user, 10)).ToDictionary(item => item.GetProperty("type").GetString() ?? "");
        Check(UserRegistered.Type, welcome, "Amal Haddad");
        Check(ReportCreated.Type, received, "Broken lamp", ("report_id", id.ToString()));
        Check(ReportStatusUpdated.Type, moved, "Seen it", ("report_id", id.ToString()), ("status", "verified"));
        Check(PointsAwarded.Type, earned, "60", ("transaction_id", id.ToString()), ("points", "10"), ("balance", "60"));
        Check(PointsReversed.Type, reversed, "50", ("transaction_id", id.ToString()), ("points", "-10"), ("balance", "50"), ("reason", "report_rejected"));
        Check(AchievementUnlocked.Type, unlocked, achievement, ("code", "first_report"));
        Check(CouponRedeemed.Type, redeemed, "Free coffee", ("redemption_id", id.ToString()), ("coupon_id", "7"), ("points_spent", "50"));
        Check(PointsExpired.Type, expired, "53", ("transaction_id", id.ToString()), ("points", "7"), ("balance", "53"));
        Check(QuestCompleted.Type, completed, quest, ("quest_id", "5"), ("points", "50"));
        Check(OrderUpdated.Type, shipped, carrier, ("order_id", id.ToString()), ("status", "shipped"));

        void Check(string type, string title, string inBody, params (string Name, string Value)[] data)
        {
            var item = feed[type];
            item.GetProperty("title").GetString().ShouldBe(title);
            item.GetProperty("body").GetString().ShouldNotBeNull().ShouldContain(inBody);
            item.GetProperty("read_at").ValueKind.ShouldBe(JsonValueKind.Null);
            item.GetProperty("created_at").GetString().ShouldNotBeNull().ShouldEndWith("Z");
            item.GetProperty("data").EnumerateObject().Select(field => (field.Name, field.Value.GetString() ?? "")).ShouldBe(data, ignoreOrder: true);
        }
    }

    [Fact]
    public async Task Users_are_not_notified_of_their_own_changes()
    {
        var user = Guid.CreateVersion7();
        var (withdrawn, rejected, own) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());

        await Service.PublishAsync(new ReportStatusUpdated(withdrawn, user, "Broken lamp", "submitted", "withdrawn", null, user, 2), own);
        await Service.PublishAsync(new ReportStatusUpdated(rejected, user, "Broken lamp", "submitted", "rejected", null, Guid.CreateVersion7(), 2));
        await Service.PublishAsync(new ReportCreated(withdrawn, user, "Broken lamp", "lighting", 33.5, 36.3)); // A receipt.

        await Eventually.TrueAsync(
            () => Service.QueryAsync(database => database.Set<InboxEntry>().AnyAsync(entry => entry.EventId == own, Cancel)), "the handling of the own change");
        (await Service.WaitForFeedAsync(user, 2)).Select(item => (item.GetProperty("type").GetString(), item.GetProperty("data").GetProperty("report_id").GetGuid()))
            .ShouldBe([(ReportStatusUpdated.Type, rejected), (ReportCreated.Type, withdrawn)], ignoreOrder: true);
    }

    [Theory]
    [InlineData("en", "New comment", "The city has commented", "A report you follow has changed")]
    [InlineData("ar", "تعليق جديد", "علّقت المدينة", "تحديث على بلاغ تتابعه")]
    public async Task The_owner_and_followers_are_told_once_of_a_change(string language, string comment, string byTheCity, string changed)
    {
        var (owner, author, first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var (report, commentId, cause, change) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await Service.PublishAsync(new UserRegistered(first, "Amal Haddad", "amal@example.org", language));
        await Service.WaitForFeedAsync(first, 1);
        var commented = new ReportCommented(report, commentId, author, owner, "Broken lamp", "lighting", ByStaff: true, Public: true, Anonymous: true);
        var notice = new ReportFollowerNotice(report, cause, [first, second], "Broken lamp", null, null, commentId, ByStaff: true);
        await Service.PublishAsync(commented, cause);
        await Service.PublishAsync(commented with { UserId = owner });
        await Service.PublishAsync(notice);
        await Service.PublishAsync(notice with { UserIds = [second] }); // another batch
        await Service.PublishAsync(notice with { CauseId = change, Status = "verified", Comment = "Seen it", CommentId = null });

        var feed = (await Service.WaitForFeedAsync(first, 3)).ToDictionary(item => item.GetProperty("type").GetString() ?? "");
        feed[ReportCommented.Type].GetProperty("title").GetString().ShouldBe(comment);
        feed[ReportCommented.Type].GetProperty("body").GetString().ShouldNotBeNull().ShouldContain(byTheCity);
        feed[ReportCommented.Type].GetProperty("data").GetProperty("comment_id").GetGuid().ShouldBe(commentId);
        feed["report.followed_changed"].GetProperty("title").GetString().ShouldBe(changed);
        feed["report.followed_changed"].GetProperty("body").GetString().ShouldNotBeNull().ShouldContain("Seen it");
        feed["report.followed_changed"].GetProperty("data").GetProperty("status").GetString().ShouldBe("verified");
        (await Service.WaitForFeedAsync(second, 2)).Select(item => item.GetProperty("type").GetString()).ShouldBe([ReportCommented.Type, "report.followed_changed"], ignoreOrder: true);
        (await Service.WaitForFeedAsync(owner, 1)).ShouldHaveSingleItem().GetProperty("type").GetString().ShouldBe(ReportCommented.Type);
    }

    [Theory]
    [InlineData("en", "New report in Old town", "“Broken lamp” was reported.", "Resolved in Old town")]
    [InlineData("ar", "بلاغ جديد في المدينة القديمة", "ورد بلاغ «\u2068Broken lamp\u2069».", "تم حل بلاغ في المدينة القديمة")]
    public async Task Followers_of_an_area_are_told_of_new_and_resolved_reports(string language, string title, string body, string resolved)
    {
        var (user, report, area, cause) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await Service.PublishAsync(new UserRegistered(user, "Amal Haddad", "amal@example.org", language));
        await Service.WaitForFeedAsync(user, 1);

        var notice = new AreaFollowerNotice(report, cause, area, "Old town", "المدينة القديمة", [user], "Broken lamp", Resolved: false, Comment: null);
        await Service.PublishAsync(notice);
        await Service.PublishAsync(notice); // another batch
        await Service.PublishAsync(notice with { CauseId = Guid.CreateVersion7(), Resolved = true, Comment = "A new bulb" });

        var feed = (await Service.WaitForFeedAsync(user, 3)).ToDictionary(item => item.GetProperty("type").GetString() ?? "");
        feed["area.report_created"].GetProperty("title").GetString().ShouldBe(title);
        feed["area.report_created"].GetProperty("body").GetString().ShouldBe(body);
        feed["area.report_created"].GetProperty("data").GetProperty("report_id").GetGuid().ShouldBe(report);
        feed["area.report_created"].GetProperty("data").GetProperty("area_id").GetGuid().ShouldBe(area);
        feed["area.report_resolved"].GetProperty("title").GetString().ShouldBe(resolved);
        feed["area.report_resolved"].GetProperty("body").GetString().ShouldNotBeNull().ShouldContain("A new bulb");
    }

    [Fact]
    public async Task A_follower_of_an_area_with_an_alert_there_is_told_once_of_a_report()
    {
        var (user, other, author, report, cause) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        using var client = Service.As(user);
        using var created = await client.PostAsJsonAsync("/api/v1/notifications/alerts", new { kind = "report_near", latitude = -61.5, longitude = -99.5, radius_km = 1 }, Cancel);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);

        await Service.PublishAsync(new ReportCreated(report, author, "Broken lamp", "lighting", -61.5, -99.5), cause);
        await Service.WaitForFeedAsync(user, 1);
        await Service.PublishAsync(new AreaFollowerNotice(report, cause, Guid.CreateVersion7(), "Old town", "المدينة القديمة", [user, other], "Broken lamp", Resolved: false, Comment: null));

        await Service.WaitForFeedAsync(other, 1);
        (await Service.WaitForFeedAsync(user, 1)).ShouldHaveSingleItem().GetProperty("type").GetString().ShouldBe("alert");
    }

    [Theory]
    [InlineData("en", "A report for you", "“Broken lamp” is assigned to you.")]
    [InlineData("ar", "بلاغ لك", "كُلِّفتَ بالبلاغ «\u2068Broken lamp\u2069».")]
    public async Task An_employee_is_told_of_a_report_that_another_assigns(string language, string title, string body)
    {
        var (employee, dispatcher, report) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await Service.PublishAsync(new UserRegistered(employee, "Amal Haddad", "amal@example.org", language));
        await Service.WaitForFeedAsync(employee, 1);
        var assigned = new ReportAssigned(report, employee, "Broken lamp", "lighting", dispatcher, 2);
        await Service.PublishAsync(assigned with { EmployeeId = null });
        await Service.PublishAsync(assigned with { AssignedBy = employee });
        await Service.PublishAsync(assigned);

        var told = (await Service.WaitForFeedAsync(employee, 2)).Single(item => item.GetProperty("type").GetString() == ReportAssigned.Type);
        (told.GetProperty("title").GetString(), told.GetProperty("body").GetString()).ShouldBe((title, body));
        told.GetProperty("data").GetProperty("report_id").GetGuid().ShouldBe(report);
    }

    [Theory]
    [InlineData("en", "We are late", "“Broken lamp” was to be resolved by 8 December 2026. It is still open.")]
    [InlineData("ar", "تأخرنا عن موعدنا", "كان من المقرر حل بلاغك «\u2068Broken lamp\u2069» بحلول 8 ديسمبر 2026، وما زال مفتوحاً.")]
    public async Task A_reporter_without_an_alert_is_told_once_that_a_promise_is_missed(string language, string title, string body)
    {
        var (user, report) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await Service.PublishAsync(new UserRegistered(user, "Amal Haddad", "amal@example.org", language));
        await Service.WaitForFeedAsync(user, 1);
        var overdue = new ReportOverdue(report, user, "Broken lamp", "lighting", new DateTimeOffset(2026, 12, 8, 9, 30, 0, TimeSpan.Zero));
        await Service.PublishAsync(overdue with { UserId = Guid.Empty });
        await Service.PublishAsync(overdue);
        await Service.PublishAsync(overdue);
        await Service.PublishAsync(overdue with { ReportId = Guid.CreateVersion7() });

        var feed = await Service.WaitForFeedAsync(user, 3);
        feed.Count(item => item.GetProperty("type").GetString() == ReportOverdue.Type).ShouldBe(2, "two reports");
        var told = feed.Single(item => item.GetProperty("data").TryGetProperty("report_id", out var id) && id.GetGuid() == report);
        (told.GetProperty("title").GetString(), told.GetProperty("body").GetString()).ShouldBe((title, body));
        (await Service.QueryAsync(database => database.Notifications.AnyAsync(row => row.UserId == Guid.Empty, Cancel))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_buyer_is_notified_of_the_steps_of_an_order_and_of_cancellations_by_others()
    {
        var (user, order, byBuyer) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        string[] steps = ["placed", "paid", "packed", "shipped", "delivered", "cancelling"];
        foreach (var (from, to) in steps.Zip(steps.Skip(1)))
        {
            await Service.PublishAsync(new OrderUpdated(order, user, from, to, 2));
        }

        await Service.PublishAsync(new OrderCancelled(Guid.CreateVersion7(), user, OrderCancelled.ByBuyer, 40, 4), byBuyer);
        await Service.PublishAsync(new OrderCancelled(order, user, "seller", 40, 5));
        await Service.PublishAsync(new OrderCancelled(order, user, "insufficient_points", 0, 2));
        await Eventually.TrueAsync(
            () => Service.QueryAsync(database => database.Set<InboxEntry>().AnyAsync(entry => entry.EventId == byBuyer, Cancel)), "the handling of the buyer's own cancellation");

        (await Service.WaitForFeedAsync(user, 5)).Select(item => (item.GetProperty("data").GetProperty("status").GetString(), item.GetProperty("body").GetString())).ShouldBe(
            [
                ("packed", "Your order is ready for the carrier."), ("shipped", "The carrier has your order."), ("delivered", "Your order has arrived."),
                ("cancelled", "The seller has cancelled your order."), ("cancelled", "You do not have enough points for your order."),
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task An_unknown_user_is_notified_in_English()
    {
        var user = Guid.CreateVersion7();

        (await Service.NotifyAsync(user)).GetProperty("title").GetString().ShouldBe("Points earned");

        await Service.PublishAsync(new UserRegistered(user, "Amal", "amal@example.org", "ar"));
        (await Service.WaitForFeedAsync(user, 2)).ShouldContain(item => item.GetProperty("type").GetString() == UserRegistered.Type);
    }

    [Fact]
    public async Task Redelivered_and_reordered_events_notify_once()
    {
        var user = Guid.CreateVersion7();
        var reports = Enumerable.Range(0, 20).Select(_ => (Event: Guid.CreateVersion7(), Report: Guid.CreateVersion7())).ToArray();
        var events = Enumerable.Repeat(reports, 5).SelectMany(all => all).ToArray();
        Random.Shared.Shuffle(events);

        foreach (var (id, report) in events)
        {
            await Service.PublishAsync(new ReportCreated(report, user, "Broken lamp", "lighting", 1, 2), id);
        }

        // Published last, so it arrives after all the others.
        var other = Guid.CreateVersion7();
        await Service.NotifyAsync(other);
        await Eventually.TrueAsync(
            () => Service.QueryAsync(async database => await database.Notifications.CountAsync(row => row.UserId == user, Cancel) >= reports.Length), "all notifications");

        (await Service.FeedAsync(user)).Select(item => item.GetProperty("data").GetProperty("report_id").GetGuid())
            .ShouldBe(reports.Select(report => report.Report), ignoreOrder: true);
    }

    [Fact]
    public async Task Notifications_of_one_millisecond_are_in_the_order_of_their_events()
    {
        const int events = 30;
        var user = Guid.CreateVersion7();
        var start = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        var order = Enumerable.Range(1, events).ToArray();
        Random.Shared.Shuffle(order);

        await Task.WhenAll(order.Select(step =>
            Service.PublishAsync(new PointsAwarded(Guid.CreateVersion7(), user, 10, step * 10, "x"), time: start.AddMicroseconds(step))));

        (await Service.WaitForFeedAsync(user, events)).Select(item => item.GetProperty("data").GetProperty("balance").GetString())
            .ShouldBe(Enumerable.Range(1, events).Reverse().Select(step => $"{step * 10}"));
    }

    [Fact]
    public async Task Pages_are_contiguous_and_newest_first()
    {
        var user = Guid.CreateVersion7();
        var start = TimeProvider.System.GetUtcNow();
        for (var minute = 0; minute < 6; minute++)
        {
            await Service.PublishAsync(new PointsAwarded(Guid.CreateVersion7(), user, minute + 1, 100, "x"), time: start.AddMinutes(minute));
        }

        await Service.WaitForFeedAsync(user, 6);
        using var client = Service.As(user);
        var pages = new List<int[]>();
        string? cursor = null;
        do
        {
            var page = await client.GetFromJsonAsync<JsonElement>($"{Root}/?limit=3{(cursor is null ? "" : $"&cursor={cursor}")}", Cancel);
            pages.Add([.. page.GetProperty("items").EnumerateArray().Select(item => int.Parse(item.GetProperty("data").GetProperty("points").GetString() ?? ""))]);
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        pages.ShouldBe([[6, 5, 4], [3, 2, 1]]);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("cursor=nonsense", "cursor")]
    [InlineData("unread_only=perhaps", "unread_only")]
    public async Task An_invalid_query_returns_400_with_the_bad_field(string query, string field)
    {
        using var client = Service.As(Guid.CreateVersion7());

        using var response = await client.GetAsync($"{Root}?{query}", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty(field, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task A_read_notification_stays_read()
    {
        var user = Guid.CreateVersion7();
        var first = await Service.NotifyAsync(user, points: 1);
        var second = await Service.NotifyAsync(user, points: 2);
        (await Service.UnreadAsync(user)).ShouldBe(2);

        using var read = await ReadAsync(user, first);
        var readAt = (await read.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("read_at").GetString();
        using var again = await ReadAsync(user, first);

        readAt.ShouldNotBeNull();
        (await again.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("read_at").GetString().ShouldBe(readAt);
        (await Service.UnreadAsync(user)).ShouldBe(1);
        (await Service.FeedAsync(user, "unread_only=true")).ShouldHaveSingleItem().GetProperty("id").GetGuid().ShouldBe(Id(second));
        (await Service.FeedAsync(user, "unread_only=false")).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Other_users_notifications_are_hidden_and_return_404()
    {
        var user = Guid.CreateVersion7();
        var stranger = Guid.CreateVersion7();
        var notification = await Service.NotifyAsync(user);

        (await Service.FeedAsync(stranger)).ShouldBeEmpty();
        (await Service.UnreadAsync(stranger)).ShouldBe(0);
        using var theirs = await ReadAsync(stranger, notification);
        theirs.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await Service.UnreadAsync(user)).ShouldBe(1);

        using var anonymous = Service.Anonymous();
        foreach (var path in new[] { "", "/unread-count" })
        {
            using var response = await anonymous.GetAsync($"{Root}{path}", Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task The_model_has_no_pending_migration() =>
        (await Service.QueryAsync(database => Task.FromResult(database.Database.HasPendingModelChanges()))).ShouldBeFalse();

    private async Task<HttpResponseMessage> ReadAsync(Guid user, JsonElement notification)
    {
        using var client = Service.As(user);
        return await client.PatchAsync($"{Root}/{Id(notification)}/read", null, Cancel);
    }

    private static Guid Id(JsonElement notification) => notification.GetProperty("id").GetGuid();
}
