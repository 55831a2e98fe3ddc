using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Sending;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kashif.Notifications.Tests;

/// <summary>Services and admins send messages to users and topics: once each, at their time.</summary>
public sealed class SendingTests(SharedService shared) : IClassFixture<SharedService>
{
    private const string Public = "/api/v1/notifications";
    private const string Internal = "/internal/v1/notifications";

    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [Fact]
    public async Task A_message_is_in_the_inbox_and_on_its_channel_only()
    {
        var user = await Service.AddUserAsync("amal@people.test");
        await Service.AddDevicesAsync(user, $"phone {user}");
        using var service = Service.AsService(ServiceScopes.SendNotifications);

        var byPush = await SendAsync(service, MessageTo(user), Internal);
        var byEmail = await SendAsync(service, MessageTo(user, channel: "email"), Internal);

        byPush.GetProperty("status").GetString().ShouldBe("queued");
        var feed = await Service.FeedAsync(user);
        feed.Length.ShouldBe(2);
        feed[0].GetProperty("type").GetString().ShouldBe("points.awarded");
        feed[0].GetProperty("body").GetString().ShouldNotBeNull().ShouldContain("7");
        await DeliveredAsync(byPush, "push");
        await DeliveredAsync(byEmail, "email");

        async Task DeliveredAsync(JsonElement sent, string channel)
        {
            JsonElement delivery = default;
            await Eventually.TrueAsync(
                async () => (delivery = (await service.GetFromJsonAsync<JsonElement>($"{Internal}/{Id(sent)}/deliveries", Cancel)).GetProperty("items").EnumerateArray().Single())
                    .GetProperty("state").GetString() == DeliveryState.Sent,
                "the delivery");
            delivery.GetProperty("channel").GetString().ShouldBe(channel);
            delivery.GetProperty("attempts").GetInt32().ShouldBe(1);
            delivery.GetProperty("error").ValueKind.ShouldBe(JsonValueKind.Null);
            delivery.GetProperty("at").GetDateTimeOffset().ShouldBeLessThanOrEqualTo(Now);
            delivery.TryGetProperty("provider_id", out _).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task A_disabled_channel_stays_silent_and_the_message_is_in_the_inbox()
    {
        var user = await Service.AddUserAsync(email: null);
        using var admin = Service.AsAdmin();

        var sent = await SendAsync(admin, MessageTo(user, channel: "email", priority: "high"));

        (await Service.FeedAsync(user)).ShouldHaveSingleItem();
        (await admin.GetFromJsonAsync<JsonElement>($"{Public}/{Id(sent)}/deliveries", Cancel)).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Only_services_with_the_scope_and_admins_may_send()
    {
        var user = await Service.AddUserAsync();
        using var citizen = Service.As(user);
        using var citizensKey = Service.AsApiKey("notifications:write");
        using var readOnlyKey = Service.AsApiKey("notifications:read", Roles.Admin);
        using var otherService = Service.AsService(ServiceScopes.ExportUsers);
        using var anyService = Service.AsService();
        using var anonymous = Service.Anonymous();
        await RefusedAsync(citizen, Public, HttpStatusCode.Forbidden);
        await RefusedAsync(citizensKey, Public, HttpStatusCode.Forbidden);
        await RefusedAsync(readOnlyKey, Public, HttpStatusCode.Forbidden);
        await RefusedAsync(anonymous, Public, HttpStatusCode.Unauthorized);
        await RefusedAsync(otherService, Internal, HttpStatusCode.Forbidden);
        using var admin = Service.AsAdmin();
        await RefusedAsync(admin, Internal, HttpStatusCode.Forbidden);
        (await Service.FeedAsync(user)).ShouldBeEmpty();

        using var adminsKey = Service.AsApiKey("notifications:write", Roles.Admin);
        await SendAsync(adminsKey, MessageTo(user));
        await SendAsync(admin, MessageTo(user));
        await SendAsync(anyService, MessageTo(user), Internal);
        (await Service.FeedAsync(user)).Length.ShouldBe(3);

        async Task RefusedAsync(HttpClient client, string root, HttpStatusCode status)
        {
            using var response = await client.PostAsJsonAsync(root, MessageTo(user), Cancel);
            response.StatusCode.ShouldBe(status);
        }
    }

    [Fact]
    public async Task Sixty_four_parallel_requests_of_one_id_send_one_message()
    {
        var user = await Service.AddUserAsync();
        using var service = Service.AsService();
        var message = MessageTo(user);

        var sent = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => SendAsync(service, message, Internal)));

        sent.Select(Id).Distinct().ShouldHaveSingleItem();
        (await Service.FeedAsync(user)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_request_id_belongs_to_its_sender_and_to_one_body()
    {
        var user = await Service.AddUserAsync();
        using var service = Service.AsService();
        using var admin = Service.AsAdmin();
        var message = MessageTo(user);
        var first = await SendAsync(service, message, Internal);
        Id(await SendAsync(service, message, Internal)).ShouldBe(Id(first));

        Id(await SendAsync(admin, message)).ShouldNotBe(Id(first));
        message["priority"] = "low";
        await RefusedAsync(service, message, HttpStatusCode.UnprocessableEntity, "request_id_reused", Internal);
        (await Service.FeedAsync(user)).Length.ShouldBe(2);

        using var otherAdmin = Service.AsAdmin();
        (await otherAdmin.GetFromJsonAsync<JsonElement>($"{Public}/{Id(first)}/deliveries", Cancel)).GetProperty("items").GetArrayLength().ShouldBe(0);
        using var unknown = await otherAdmin.GetAsync($"{Public}/{Guid.CreateVersion7()}/deliveries", Cancel);
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var foreign = await service.GetAsync($"{Internal}/{Id(await SendAsync(admin, MessageTo(user)))}/deliveries", Cancel);
        foreign.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task What_cannot_be_sent_is_refused_by_name()
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();

        await RefusedAsync(admin, MessageTo(user, ("template_code", "no.such")), HttpStatusCode.UnprocessableEntity, "unknown_template");
        await RefusedAsync(admin, MessageTo(Guid.CreateVersion7()), HttpStatusCode.UnprocessableEntity, "unknown_user");
        var missing = await RefusedAsync(admin, MessageTo(user, ("variables", new JsonObject { ["points"] = 1 })), HttpStatusCode.UnprocessableEntity, "missing_variable");
        missing.GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("balance");
        (await Service.FeedAsync(user)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("send_at", "-00:00:01", null)]
    [InlineData("send_at", "367.00:00:00", null)]
    [InlineData("expires_at", null, "-00:00:01")]
    [InlineData("expires_at", null, "367.00:00:00")]
    [InlineData("expires_at", "01:00:00", "01:00:00")]
    public async Task A_wrong_time_is_refused_by_its_field(string field, string? sendIn, string? expiresIn)
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var now = Now;
        var message = MessageTo(user, ("send_at", At(sendIn)), ("expires_at", At(expiresIn)));

        (await RefusedAsync(admin, message, HttpStatusCode.BadRequest, "invalid_request")).GetProperty("errors").EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe(field);

        JsonNode? At(string? later) => later is null ? null : JsonValue.Create(now + TimeSpan.Parse(later, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("topic", """{"topic": "Nö"}""")]
    [InlineData("user_id", """{"user_id": null}""")]
    [InlineData("topic", """{"topic": "all"}""")]
    [InlineData("variables", """{"variables": []}""")]
    [InlineData("variables", """{"variables": {"points": "a\u0000b", "balance": 1}}""")]
    [InlineData("variables", """{"variables": {"points": "\ud800", "balance": 1}}""")]
    [InlineData("variables", """{"variables": {"points": 1e400, "balance": 1}}""")]
    [InlineData("request_id", """{"request_id": ""}""")]
    [InlineData("notification_type", """{"notification_type": "fax"}""")]
    [InlineData("priority", """{"priority": "urgent"}""")]
    public async Task A_wrong_field_is_refused_by_its_name(string field, string change)
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var message = MessageTo(user);
        message.Remove(change.Split('"')[1]);

        using var response = await admin.PostAsync(Public, new StringContent($"{message.ToJsonString()[..^1]},{change[1..]}", System.Text.Encoding.UTF8, "application/json"), Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty(field, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task A_scheduled_message_waits_for_its_time_and_is_then_written_once()
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var sent = await SendAsync(admin, MessageTo(user, ("send_at", JsonValue.Create(Now.AddHours(1)))));
        sent.GetProperty("status").GetString().ShouldBe("scheduled");
        (await Service.FeedAsync(user)).ShouldBeEmpty();
        await SetDueAsync(Id(sent));

        // As many workers as in a system of several replicas.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StepAsync()));

        await Service.WaitForFeedAsync(user, 1);
        await Eventually.TrueAsync(async () => await StatusAsync(Id(sent)) == SendStatus.Queued, "the end of the message");
        (await Service.FeedAsync(user)).ShouldHaveSingleItem();
        await RefusedCancelAsync(admin, Id(sent), HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task A_scheduled_message_can_be_cancelled_by_its_sender()
    {
        var user = await Service.AddUserAsync();
        using var service = Service.AsService();
        using var admin = Service.AsAdmin();
        var sent = Id(await SendAsync(service, MessageTo(user, ("send_at", JsonValue.Create(Now.AddHours(1)))), Internal));

        await RefusedCancelAsync(admin, sent, HttpStatusCode.NotFound);
        for (var time = 0; time < 2; time++)
        {
            using var cancelled = await service.DeleteAsync($"{Internal}/scheduled/{sent}", Cancel);
            cancelled.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        await SetDueAsync(sent);
        await StepAsync();
        (await Service.FeedAsync(user)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_message_that_expires_before_it_is_due_is_not_written()
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var sent = Id(await SendAsync(admin, MessageTo(user, ("send_at", JsonValue.Create(Now.AddHours(1))), ("expires_at", JsonValue.Create(Now.AddHours(2))))));
        await Service.QueryAsync(database => database.SendRequests.Where(row => row.Id == sent).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.DueAt, Now.AddHours(-2)).SetProperty(row => row.ExpiresAt, Now.AddHours(-1)), Cancel));

        await Eventually.TrueAsync(async () => await StatusAsync(sent) == SendStatus.Expired, "the end of the message");

        (await Service.FeedAsync(user)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_topic_reaches_only_its_followers()
    {
        var (follower, former, stranger) = (await Service.AddUserAsync(), await Service.AddUserAsync(), await Service.AddUserAsync());
        var topic = $"roads-{follower:N}";
        await FollowAsync(follower, topic);
        await FollowAsync(follower, topic);
        await FollowAsync(former, topic);
        using (var client = Service.As(former))
        {
            using var left = await client.DeleteAsync($"{Public}/topics/{topic}/subscription", Cancel);
            left.StatusCode.ShouldBe(HttpStatusCode.NoContent);
            using var again = await client.DeleteAsync($"{Public}/topics/{topic}/subscription", Cancel);
            again.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        using var admin = Service.AsAdmin();
        var sent = await SendAsync(admin, MessageTo(topic));

        sent.GetProperty("status").GetString().ShouldBe("accepted");
        await Service.WaitForFeedAsync(follower, 1);
        await Eventually.TrueAsync(async () => await StatusAsync(Id(sent)) == SendStatus.Queued, "the end of the message");
        (await Service.FeedAsync(former)).ShouldBeEmpty();
        (await Service.FeedAsync(stranger)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("all")]
    [InlineData("Roads")]
    [InlineData("-roads")]
    public async Task Some_names_are_no_topics_to_follow(string topic)
    {
        using var client = Service.As(await Service.AddUserAsync());
        using var response = await client.PostAsync($"{Public}/topics/{topic}/subscription", content: null, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_user_follows_at_most_a_hundred_topics()
    {
        var user = await Service.AddUserAsync();
        await Service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"INSERT INTO topic_subscriptions (topic, user_id) SELECT 'topic-' || number, {user} FROM generate_series(1, 100) AS number", Cancel));
        using var client = Service.As(user);

        using var another = await client.PostAsync($"{Public}/topics/another/subscription", content: null, Cancel);
        another.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        using var known = await client.PostAsync($"{Public}/topics/topic-1/subscription", content: null, Cancel);
        known.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Parallel_requests_follow_at_most_a_hundred_topics()
    {
        var user = await Service.AddUserAsync();
        await Service.QueryAsync(database => database.Database.ExecuteSqlAsync(
            $"INSERT INTO topic_subscriptions (topic, user_id) SELECT 'topic-' || number, {user} FROM generate_series(1, 95) AS number", Cancel));
        using var client = Service.As(user);

        var statuses = await Task.WhenAll(Enumerable.Range(0, 32).Select(async number =>
        {
            using var response = await client.PostAsync($"{Public}/topics/other-{number}/subscription", content: null, Cancel);
            return response.StatusCode;
        }));

        statuses.Count(status => status == HttpStatusCode.NoContent).ShouldBe(5);
        statuses.Count(status => status == HttpStatusCode.UnprocessableEntity).ShouldBe(27);
        var first = await client.GetFromJsonAsync<JsonElement>($"{Public}/topics?limit=99", Cancel);
        var last = await client.GetFromJsonAsync<JsonElement>($"{Public}/topics?limit=99&cursor={first.GetProperty("next_cursor").GetString()}", Cancel);
        last.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        new[] { first, last }.SelectMany(page => page.GetProperty("items").EnumerateArray()).Select(item => item.GetProperty("topic").GetString()).Distinct().Count().ShouldBe(100);
        using var forged = await client.GetAsync($"{Public}/topics?cursor=AAAA", Cancel);
        forged.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task An_idempotency_key_gets_the_first_answer_again()
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var message = MessageTo(user, ("send_at", JsonValue.Create(Now.AddHours(1))));
        admin.DefaultRequestHeaders.Add("Idempotency-Key", $"{Guid.CreateVersion7()}");
        using var first = await admin.PostAsJsonAsync(Public, message, Cancel);
        using (var cancelled = await admin.DeleteAsync($"{Public}/scheduled/{Id(await first.Content.ReadFromJsonAsync<JsonElement>(Cancel))}", Cancel))
        {
            cancelled.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        using var again = await admin.PostAsJsonAsync(Public, message, Cancel);
        again.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        again.Headers.Contains("Idempotency-Replayed").ShouldBeTrue();
        (await again.Content.ReadAsStringAsync(Cancel)).ShouldBe(await first.Content.ReadAsStringAsync(Cancel));
        message["request_id"] = "another";
        await RefusedAsync(admin, message, HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
        admin.DefaultRequestHeaders.Remove("Idempotency-Key");
        message["request_id"] = $"request-{user}";
        (await SendAsync(admin, message)).GetProperty("status").GetString().ShouldBe("scheduled");
    }

    [Fact]
    public async Task A_user_is_erased_while_a_message_is_sent_to_them()
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var sent = Id(await SendAsync(admin, MessageTo(user, ("send_at", JsonValue.Create(Now.AddHours(1))))));
        await Service.QueryAsync(async database =>
        {
            // Like a worker that sends it.
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            await database.Database.ExecuteSqlAsync($"SET LOCAL deadlock_timeout = '10ms'", Cancel); // The first to see a deadlock ends with it.
            await database.Database.ExecuteSqlAsync($"SELECT FROM send_requests WHERE id = {sent} FOR UPDATE", Cancel);
            await Service.PublishAsync(new UserDeleted(user));
            await Service.BlockedAsync();

            await database.Database.ExecuteSqlAsync($"SELECT FROM recipients WHERE user_id = {user} FOR KEY SHARE", Cancel);
            await transaction.CommitAsync(Cancel);
            return 0;
        });

        await Eventually.TrueAsync(() => Service.QueryAsync(async database => !await database.SendRequests.AnyAsync(row => row.Id == sent, Cancel)), "the erasure");
    }

    [Fact]
    public async Task A_broadcast_reaches_every_user_once_even_if_a_worker_dies_half_way()
    {
        const int Users = 1_200;
        await Service.QueryAsync(database => database.Database.ExecuteSqlAsync($"""
            INSERT INTO recipients (user_id, language, push_enabled, email_enabled, occurred_at) SELECT gen_random_uuid(), 'en', TRUE, FALSE, now() FROM generate_series(1, {Users})
            """, Cancel));
        using var admin = Service.AsAdmin();
        var message = MessageTo("all", ("send_at", JsonValue.Create(Now.AddHours(1))));
        var sent = Id(await SendAsync(admin, message));

        // A step that is not committed.
        await Service.QueryAsync(async database =>
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            await database.SendRequests.Where(row => row.Id == sent).ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUserId, Guid.AllBitsSet), Cancel);
            return 0;
        });
        await SetDueAsync(sent);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StepAsync()));

        await Eventually.TrueAsync(async () => await StatusAsync(sent) == SendStatus.Queued, "the end of the broadcast");
        var (users, reached, notifications) = await Service.QueryAsync(async database => (
            await database.Recipients.CountAsync(Cancel),
            await database.Notifications.Where(row => row.RequestId == sent).Select(row => row.UserId).Distinct().CountAsync(Cancel),
            await database.Notifications.CountAsync(row => row.RequestId == sent, Cancel)));
        notifications.ShouldBe(reached);
        reached.ShouldBeInRange(Users, users);
    }

    [Fact]
    public async Task A_deleted_user_leaves_no_message_and_no_topic()
    {
        var user = await Service.AddUserAsync();
        await FollowAsync(user, "roads");
        using var admin = Service.AsAdmin();
        await SendAsync(admin, MessageTo(user));
        await SendAsync(admin, MessageTo(user, ("send_at", JsonValue.Create(Now.AddHours(1)))));

        await Service.PublishAsync(new UserDeleted(user));

        await Eventually.TrueAsync(() => Service.QueryAsync(async database => !await database.SendRequests.AnyAsync(row => row.UserId == user, Cancel)), "the erasure");
        (await Service.QueryAsync(database => database.TopicSubscriptions.AnyAsync(row => row.UserId == user, Cancel))).ShouldBeFalse();
        (await Service.FeedAsync(user)).ShouldBeEmpty();
        await RefusedAsync(admin, MessageTo(user), HttpStatusCode.UnprocessableEntity, "unknown_user");
    }

    [Fact]
    public async Task A_request_id_is_kept_for_seven_days()
    {
        var user = await Service.AddUserAsync();
        using var admin = Service.AsAdmin();
        var (kept, forgotten, waiting) = (Id(await SendAsync(admin, MessageTo(user))), Id(await SendAsync(admin, MessageTo(user))),
            Id(await SendAsync(admin, MessageTo(user, ("send_at", JsonValue.Create(Now.AddDays(300)))))));
        await AgeAsync(kept, 6.9);
        await AgeAsync(forgotten, 7.1);

        await Service.Services.GetServices<IHostedService>().OfType<SendCleanup>().Single().RunOnceAsync(Cancel);

        (await Service.QueryAsync(database => database.SendRequests.Where(row => row.UserId == user).Select(row => row.Id).ToListAsync(Cancel))).ShouldBe([kept, waiting], ignoreOrder: true);

        Task<int> AgeAsync(Guid id, double days) => Service.QueryAsync(database => database.SendRequests.Where(row => row.Id == id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.DueAt, Now.AddDays(-days)), Cancel));
    }

    private static Guid Id(JsonElement sent) => sent.GetProperty("id").GetGuid();

    private static JsonObject MessageTo(Guid user, params (string Name, JsonNode? Value)[] changes) => Message(changes, ("user_id", user));

    private static JsonObject MessageTo(Guid user, string channel, string priority = "normal") => MessageTo(user, ("notification_type", channel), ("priority", priority));

    private static JsonObject MessageTo(string topic, params (string Name, JsonNode? Value)[] changes) => Message(changes, ("topic", topic));

    private static JsonObject Message((string Name, JsonNode? Value)[] changes, (string Name, JsonNode? Value) target)
    {
        var message = new JsonObject
        {
            ["notification_type"] = "push",
            ["template_code"] = "points.awarded",
            ["variables"] = new JsonObject { ["points"] = 7, ["balance"] = 70 },
            ["request_id"] = $"request-{Guid.CreateVersion7()}",
        };
        foreach (var (name, value) in changes.Append(target))
        {
            message[name] = value;
        }

        return message;
    }

    private static async Task<JsonElement> SendAsync(HttpClient client, JsonObject message, string root = Public)
    {
        using var response = await client.PostAsJsonAsync(root, message, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync(Cancel));
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    private static async Task<JsonElement> RefusedAsync(HttpClient client, JsonObject message, HttpStatusCode status, string code, string root = Public)
    {
        using var response = await client.PostAsJsonAsync(root, message, Cancel);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        response.StatusCode.ShouldBe(status, problem.ToString());
        problem.GetProperty("code").GetString().ShouldBe(code);
        return problem;
    }

    private static async Task RefusedCancelAsync(HttpClient client, Guid id, HttpStatusCode status)
    {
        using var response = await client.DeleteAsync($"{Public}/scheduled/{id}", Cancel);
        response.StatusCode.ShouldBe(status);
    }

    private async Task FollowAsync(Guid user, string topic)
    {
        using var client = Service.As(user);
        using var response = await client.PostAsync($"{Public}/topics/{topic}/subscription", content: null, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    private Task<int> SetDueAsync(Guid id) => Service.QueryAsync(database => database.SendRequests.Where(row => row.Id == id)
        .ExecuteUpdateAsync(set => set.SetProperty(row => row.DueAt, Now.AddSeconds(-1)), Cancel));

    private Task<string> StatusAsync(Guid id) => Service.QueryAsync(database => database.SendRequests.Where(row => row.Id == id).Select(row => row.Status).SingleAsync(Cancel));

    private async Task StepAsync()
    {
        await using var scope = Service.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<SendService>().StepAsync(Cancel);
    }
}
