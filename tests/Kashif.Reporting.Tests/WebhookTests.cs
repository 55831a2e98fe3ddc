using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Webhooks;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Events of public reports, sent to a real receiver. Alone: another service of the same queue would take events away.</summary>
[Collection(typeof(Alone))]
public sealed class WebhookTests(ReportingService service)
{
    private const string Webhooks = $"{Root}/webhooks";

    /// <summary>What the service of the tests needs to send to this machine.</summary>
    public static Dictionary<string, string?> Settings => new()
    {
        ["Webhooks:AllowPrivateNetworks"] = "true",
        ["Webhooks:SealingSecret"] = "sealing-secret-of-the-tests",
        ["Webhooks:FirstRetry"] = "00:00:00.010",
    };

    [Fact]
    public async Task A_delivery_is_signed_and_tried_again_after_a_failure()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = number => number == 1 ? 500 : 204;
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, secret) = await CreateAsync(admin, receiver);
        using var citizen = service.Citizen(out var citizenId);

        var report = (await citizen.FileAsync(title: "حفرة عميقة")).Id;
        await receiver.WaitForAsync(report, 2);

        var requests = receiver.Of(report);
        requests.Select(request => request.Delivery).Distinct().ShouldHaveSingleItem();
        foreach (var request in requests)
        {
            var parts = request.Signature.Split(',');
            var time = parts[0]["t=".Length..];
            parts[1].ShouldBe($"v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{time}.{request.Body}")))}");
            request.ContentType.ShouldBe("application/cloudevents+json; charset=utf-8");
            request.Body.ShouldNotContain(citizenId.ToString());
        }

        var data = requests[0].Event.GetProperty("data");
        data.GetProperty("title").GetString().ShouldBe("حفرة عميقة");
        data.EnumerateObject().Select(member => member.Name).ShouldBe(["report_id", "title", "category", "status", "latitude", "longitude"], ignoreOrder: true);
        await Eventually.TrueAsync(async () => (await DeliveriesAsync(admin, webhook, report)) is [{ } delivery]
            && delivery.GetProperty("status").GetString() == "delivered" && delivery.GetProperty("attempts").GetInt32() == 2, "the delivery");
        await DeleteAsync(admin, webhook);
    }

    [Fact]
    public async Task The_events_of_a_report_come_in_their_order_and_stop_when_it_is_hidden()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = number => number % 3 == 0 ? 204 : 503;
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver);
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        await receiver.WaitForAsync(report, 1);
        foreach (var status in new[] { "verified", "in_progress" })
        {
            (await admin.ChangeStatusAsync(report, new { status })).Status.ShouldBe(200);
            await Eventually.TrueAsync( // two workers handle events: the next change could be written first
                async () => (await DeliveriesAsync(admin, webhook, report)).Exists(delivery => delivery.GetProperty("type").GetString() == ReportStatusUpdated.Type), "the change");
        }

        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 3, "the events");
        receiver.AcceptedOf(report).Select(ToOf).ShouldBe(["", "verified", "in_progress"]);

        (await owner.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/comments", new { text = "Call me at 555-0100" })).Status.ShouldBe(201);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 4, "the comment");
        var (_, employee) = await service.EmployAsync(agency: null);
        (await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/assign", new { employee_id = employee, comment = "Call 555-0100" })).Status.ShouldBe(200);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 5, "the assignment");
        receiver.AcceptedOf(report)[^1].GetProperty("data").ToString().ShouldBe($$"""{"report_id":"{{report}}","assigned":true,"version":4}""");
        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Root}/{report}", new { hidden = true, reason = "A face" })).Status.ShouldBe(200);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 6, "the end");
        var end = receiver.AcceptedOf(report)[^1];
        end.GetProperty("type").GetString().ShouldBe(ReportDeleted.Type);
        end.GetProperty("data").EnumerateObject().Select(member => member.Name).ShouldBe(["report_id"]);
        (await DeliveriesAsync(admin, webhook, report)).Select(delivery => delivery.GetProperty("type").GetString()).ShouldBe([ReportDeleted.Type]);

        (await admin.ChangeStatusAsync(report, new { status = "resolved" })).Status.ShouldBe(200);
        using var secret = await owner.PostReportAsync(new { title = "Secret noise", description = "", category = "noise", latitude = 1, longitude = 1, @private = true });
        var hidden = (await secret.JsonAsync()).Id;
        var last = (await owner.FileAsync()).Id;
        await receiver.WaitForAsync(last, 1);
        receiver.Of(hidden).ShouldBeEmpty();
        receiver.AcceptedOf(report).Count.ShouldBe(6);
        receiver.All.ShouldAllBe(request => !request.Body.Contains("555-0100"));
        await DeleteAsync(admin, webhook);
    }

    [Fact]
    public async Task A_vote_is_told_without_its_voter()
    {
        await using var receiver = await Receiver.StartAsync();
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver, ReportVoted.Type);
        using var owner = service.Citizen(out _);
        using var voter = service.Citizen(out var voterId);
        var report = (await owner.FileAsync()).Id;

        (await voter.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/votes", new { })).Status.ShouldBe(200);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 1, "the vote");
        DataOf(receiver.AcceptedOf(report)[0]).ShouldBe($$"""{"report_id":"{{report}}","votes":1,"withdrawn":false}""");
        (await voter.SendJsonAsync(HttpMethod.Delete, $"{Root}/{report}/votes")).Status.ShouldBe(200);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 2, "the withdrawal");
        DataOf(receiver.AcceptedOf(report)[1]).ShouldBe($$"""{"report_id":"{{report}}","votes":0,"withdrawn":true}""");

        // A vote can be withdrawn from a report that is not public any more.
        (await voter.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/votes", new { })).Status.ShouldBe(200);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(report).Count == 3, "the second vote");
        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Root}/{report}", new { hidden = true, reason = "A face" })).Status.ShouldBe(200);
        (await voter.SendJsonAsync(HttpMethod.Delete, $"{Root}/{report}/votes")).Status.ShouldBe(200);
        var last = (await owner.FileAsync()).Id;
        (await voter.SendJsonAsync(HttpMethod.Post, $"{Root}/{last}/votes", new { })).Status.ShouldBe(200);
        await receiver.WaitForAsync(last, 1);
        receiver.AcceptedOf(report).Count.ShouldBe(3);
        receiver.All.ShouldAllBe(request => !request.Body.Contains(voterId.ToString()));
        await DeleteAsync(admin, webhook);
    }

    [Fact]
    public async Task A_public_report_that_passes_its_promised_time_is_told_once()
    {
        await using var receiver = await Receiver.StartAsync();
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver, ReportOverdue.Type);
        using var owner = service.Citizen(out _);
        using var filed = await owner.PostReportAsync(new { title = "Secret noise", description = "", category = "noise", latitude = 1, longitude = 1, @private = true });
        var (secret, report) = ((await filed.JsonAsync()).Id, (await owner.FileAsync()).Id);
        await MarkAsync($"UPDATE reports SET expected_at = '2026-01-02T03:04:05Z' WHERE id = {secret}");
        await MarkAsync($"UPDATE reports SET expected_at = '2026-01-02T03:04:05Z' WHERE id = {report}");

        await receiver.WaitForAsync(report, 1);
        DataOf(receiver.Of(report)[0].Event).ShouldBe($$"""{"report_id":"{{report}}","due_at":"2026-01-02T03:04:05Z"}""");
        var last = (await owner.FileAsync()).Id;
        await MarkAsync($"UPDATE reports SET expected_at = '2026-01-02T03:04:05Z' WHERE id = {last}");
        await receiver.WaitForAsync(last, 1);
        (receiver.Of(secret).Count, receiver.Of(report).Count).ShouldBe((0, 1));
        await DeleteAsync(admin, webhook);

        async Task MarkAsync(FormattableString sql)
        {
            (await UpdateAsync(sql)).ShouldBe(1);
            await service.Host.Services.GetServices<IHostedService>().OfType<OverdueMarking>().Single().RunOnceAsync(Cancelled);
        }
    }

    [Fact]
    public async Task An_agencys_webhook_gets_the_events_of_the_reports_that_are_routed_to_it()
    {
        await using var of = await Receiver.StartAsync();
        await using var ofOther = await Receiver.StartAsync();
        await using var ofCity = await Receiver.StartAsync();
        var (agency, other) = (await service.AgencyAsync(), await service.AgencyAsync());
        var (manager, otherManager) = ((await service.EmployAsync(agency, Job.Manager)).Client, (await service.EmployAsync(other, Job.Manager)).Client);
        using var admin = service.NewUser(Roles.Admin);
        using var owner = service.Citizen(out _);
        var webhooks = new[] { (manager, (await CreateAsync(manager, of)).Id), (otherManager, (await CreateAsync(otherManager, ofOther)).Id), (admin, (await CreateAsync(admin, ofCity)).Id) };
        var report = (await owner.FileAsync()).Id;
        await WaitAsync(report, ofCity, ReportCreated.Type);

        await RouteAsync(report, agency);
        await WaitAsync(report, of, ReportRouted.Type);
        (await admin.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
        await WaitAsync(report, of, ReportStatusUpdated.Type);
        await RouteAsync(report, other);
        await WaitAsync(report, of, ReportRouted.Type, count: 2);
        await WaitAsync(report, ofOther, ReportRouted.Type);
        (await admin.ChangeStatusAsync(report, new { status = "in_progress" })).Status.ShouldBe(200);
        await WaitAsync(report, ofOther, ReportStatusUpdated.Type);
        await WaitAsync(report, ofCity, ReportStatusUpdated.Type, count: 2);

        // The former agency may have a copy of what is not public any more.
        (await admin.SendJsonAsync(HttpMethod.Patch, $"{Root}/{report}", new { hidden = true, reason = "A face" })).Status.ShouldBe(200);
        await WaitAsync(report, of, ReportDeleted.Type);
        await WaitAsync(report, ofOther, ReportDeleted.Type);
        (await admin.ChangeStatusAsync(report, new { status = "resolved" })).Status.ShouldBe(200);

        // Deleted after its deliveries: the event names the agency.
        var deleted = (await owner.FileAsync()).Id;
        await WaitAsync(deleted, ofCity, ReportCreated.Type);
        await RouteAsync(deleted, other);
        await WaitAsync(deleted, ofOther, ReportRouted.Type);
        await Eventually.TrueAsync(
            async () => await UpdateAsync($"DELETE FROM webhook_deliveries WHERE report_id = {deleted} AND status = 'delivered' AND type = {ReportRouted.Type}") > 0, "the delivery");
        await UpdateAsync($"DELETE FROM webhook_deliveries WHERE report_id = {deleted}");
        (await admin.SendJsonAsync(HttpMethod.Delete, $"{Root}/{deleted}?reason=Test")).Status.ShouldBe(204);
        await WaitAsync(deleted, ofOther, ReportDeleted.Type);

        var last = (await owner.FileAsync()).Id;
        await WaitAsync(last, ofCity, ReportCreated.Type);
        await RouteAsync(last, agency);
        await WaitAsync(last, of, ReportRouted.Type);
        TypesOf(report, of).ShouldBe([ReportRouted.Type, ReportStatusUpdated.Type, ReportRouted.Type, ReportDeleted.Type]);
        TypesOf(report, ofOther).ShouldBe([ReportRouted.Type, ReportStatusUpdated.Type, ReportDeleted.Type]);
        TypesOf(report, ofCity).ShouldBe(
            [ReportCreated.Type, ReportRouted.Type, ReportStatusUpdated.Type, ReportRouted.Type, ReportStatusUpdated.Type, ReportDeleted.Type]);
        (TypesOf(deleted, of).Count, TypesOf(last, ofOther).Count).ShouldBe((0, 0));
        foreach (var (client, webhook) in webhooks)
        {
            await DeleteAsync(client, webhook);
        }

        async Task RouteAsync(Guid id, Guid to) =>
            (await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/{id}/route", new { agency_id = to })).Status.ShouldBe(200);

        static List<string?> TypesOf(Guid id, Receiver receiver) => receiver.AcceptedOf(id).ConvertAll(received => received.GetProperty("type").GetString());

        static Task WaitAsync(Guid id, Receiver receiver, string type, int count = 1) =>
            Eventually.TrueAsync(() => TypesOf(id, receiver).Count(found => found == type) == count, type);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_merge_that_waits_for_its_receiver_does_not_name_an_original_that_is_hidden_or_deleted(bool isHidden)
    {
        await using var receiver = await Receiver.StartAsync();
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver);
        var (original, duplicate) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        await Eventually.TrueAsync(() => receiver.AcceptedOf(duplicate).Count == 1, "the report");
        receiver.Answer = _ => 503;
        (await admin.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original })).Status.ShouldBe(200);
        await Eventually.TrueAsync(async () => await MergeAsync() is not null, "the merge");
        var merge = (await MergeAsync()).ShouldNotBeNull();
        merge.Payload.ShouldContain(original.ToString());

        if (isHidden)
        {
            (await admin.SendJsonAsync(HttpMethod.Patch, $"{Root}/{original}", new { hidden = true, reason = "A face" })).Status.ShouldBe(200);
        }
        else
        {
            using var deleted = await admin.DeleteAsync($"{Root}/{original}?reason=Test", Cancelled);
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        await Eventually.TrueAsync(async () => (await DeliveriesAsync(admin, webhook, original)).Any(delivery => delivery.GetProperty("type").GetString() == ReportDeleted.Type), "the end");
        if (await MergeAsync() is null)
        {
            // As before the event of the end was handled.
            await service.QueryAsync(database => database.Add(merge).Context.SaveChangesAsync(Cancelled));
        }

        var tried = receiver.Of(duplicate).Count;
        (await admin.SendJsonAsync(HttpMethod.Post, $"{Root}/{duplicate}/comments", new { text = "Thanks" })).Status.ShouldBe(201);
        receiver.Answer = _ => 204;
        await Eventually.TrueAsync(() => receiver.AcceptedOf(duplicate).Any(received => received.GetProperty("type").GetString() == ReportCommented.Type), "the comment");

        receiver.Of(duplicate)[tried..].ShouldAllBe(request => !request.Body.Contains(original.ToString()));
        (await MergeAsync()).ShouldBeNull();
        await DeleteAsync(admin, webhook);

        Task<WebhookDelivery?> MergeAsync() => service.QueryAsync(database => database.WebhookDeliveries.AsNoTracking()
            .SingleOrDefaultAsync(delivery => delivery.WebhookId == webhook && delivery.ReportId == duplicate && delivery.Type == ReportMerged.Type, Cancelled));
    }

    [Fact]
    public async Task A_delivery_that_failed_for_a_day_is_dead_until_it_is_replayed()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = _ => 302;
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver);
        var report = (await service.FileAsync()).Id;
        await receiver.WaitForAsync(report, 1);

        await UpdateAsync($"UPDATE webhook_deliveries SET give_up_at = now() WHERE report_id = {report}");
        await Eventually.TrueAsync(async () => await StatusAsync() == "dead", "the end");
        var dead = (await DeliveriesAsync(admin, webhook, report)).ShouldHaveSingleItem();
        dead.GetProperty("last_error").GetString().ShouldBe("HTTP 302");
        receiver.All.ShouldAllBe(request => request.Path == "/hook"); // no redirect is followed

        receiver.Answer = _ => 200;
        var replay = $"{Webhooks}/{webhook}/deliveries/{dead.Id}/replay";
        (await ReplayAsync(replay)).ShouldBe(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(async () => await StatusAsync() == "delivered", "the replay");
        await UpdateAsync($"UPDATE webhook_deliveries SET status = 'pending', next_attempt_at = now() + interval '1 hour' WHERE report_id = {report}");
        (await ReplayAsync(replay)).ShouldBe(HttpStatusCode.Conflict);
        (await ReplayAsync($"{Webhooks}/{webhook}/deliveries/{Guid.CreateVersion7()}/replay")).ShouldBe(HttpStatusCode.NotFound);
        await DeleteAsync(admin, webhook);
        (await ReplayAsync(replay)).ShouldBe(HttpStatusCode.NotFound);

        async Task<string?> StatusAsync() => (await DeliveriesAsync(admin, webhook, report))[0].GetProperty("status").GetString();

        async Task<HttpStatusCode> ReplayAsync(string path)
        {
            using var response = await admin.PostAsync(path, null, Cancelled);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_delivery_whose_process_was_killed_is_sent_again_and_a_late_result_does_not_count()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = number => number == 1 ? 500 : 204;
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver);
        receiver.Hold(1);
        var report = (await service.FileAsync()).Id;
        await receiver.WaitForAsync(report, 1);

        await Worker.RunOnceAsync(Cancelled); // the first try has a lease
        receiver.Of(report).Count.ShouldBe(1);
        await UpdateAsync($"UPDATE webhook_deliveries SET next_attempt_at = now() WHERE report_id = {report}");
        await Worker.RunOnceAsync(Cancelled);
        receiver.Of(report).Count.ShouldBe(2);
        receiver.Release();

        var next = (await service.FileAsync()).Id;
        await receiver.WaitForAsync(next, 1); // the worker of the first try has gone on
        var delivery = (await DeliveriesAsync(admin, webhook, report)).ShouldHaveSingleItem();
        (delivery.GetProperty("status").GetString(), delivery.GetProperty("attempts").GetInt32()).ShouldBe(("delivered", 2));
        await DeleteAsync(admin, webhook);
    }

    [Fact]
    public async Task Eight_workers_at_once_send_each_delivery_once()
    {
        await using var receiver = await Receiver.StartAsync();
        using var admin = service.NewUser(Roles.Admin);
        var (webhook, _) = await CreateAsync(admin, receiver);
        var reports = await service.SeedAsync([.. Enumerable.Repeat((1.0, 1.0), 100)]);
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($$"""
            INSERT INTO webhook_deliveries (id, webhook_id, event_id, report_id, type, payload, occurred_at, created_at, status, attempts, next_attempt_at, give_up_at)
            SELECT gen_random_uuid(), {{webhook}}, gen_random_uuid(), report, 'report.created', format('{"subject": "%s"}', report), now(), now(), 'pending', 0, now(), now() + interval '1 day'
            FROM unnest({{reports}}) AS report
            """, Cancelled));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Worker.RunOnceAsync(Cancelled)));
        await Eventually.TrueAsync(() => Sent().Count >= reports.Length, "the deliveries");

        Sent().ShouldBe(reports, ignoreOrder: true);
        await DeleteAsync(admin, webhook);

        // Not the events that an earlier test has just caused.
        List<Guid> Sent() => [.. receiver.All.Select(request => request.Event.GetProperty("subject").GetGuid()).Where(reports.Contains)];
    }

    [Fact]
    public async Task Only_admins_create_webhooks_with_a_valid_address_and_known_events()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var moderator = service.NewUser(Roles.Moderator);
        string[] events = [ReportCreated.Type];
        (await moderator.SendJsonAsync(HttpMethod.Post, Webhooks, new { url = "https://city.example/", events })).Status.ShouldBe(403);
        foreach (var url in new[] { "city.example", "ftp://city.example/", "https://user:password@city.example/", "https://city.example/#part", "/hook" })
        {
            (await admin.SendJsonAsync(HttpMethod.Post, Webhooks, new { url, events })).Body.BadFields.ShouldBe(["url"], url);
        }

        foreach (var names in new[] { [], [ReportCreated.Type, "survey.answered"], new string?[] { null } })
        {
            (await admin.SendJsonAsync(HttpMethod.Post, Webhooks, new { url = "http://127.0.0.1/", events = names })).Status.ShouldBe(400);
        }

        (await admin.SendJsonAsync(HttpMethod.Post, Webhooks, new { url = "http://127.0.0.1/", events, secret = "short" })).Body.BadFields.ShouldBe(["secret"]);
        var chosen = new string('s', 32);
        var (status, created) = await admin.SendJsonAsync(HttpMethod.Post, Webhooks, new { url = "http://127.0.0.1:1/", events, secret = chosen });
        (status, created.GetProperty("secret").GetString()).ShouldBe((201, chosen));
        (await DatabaseScan.TablesWithAsync(service.Host.Database, chosen)).ShouldBeEmpty();
        (await admin.AllPagesAsync($"{Webhooks}?", 1)).Single(item => item.Id == created.Id).TryGetProperty("secret", out _).ShouldBeFalse();
        await DeleteAsync(admin, created.Id);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.31.255.255", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.0.1", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("224.0.0.1", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("8.8.8.8", false)]
    [InlineData("::1", true)]
    [InlineData("::", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("64:ff9b::a00:1", true)]
    [InlineData("2002:a00:1::", true)]
    [InlineData("fe80::1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("ff02::1", true)]
    [InlineData("2606:4700::1111", false)]
    public void Private_addresses_are_known(string address, bool isPrivate) => PrivateNetworks.Contain(IPAddress.Parse(address)).ShouldBe(isPrivate);

    [Fact]
    public async Task No_private_network_is_reached()
    {
        await using var receiver = await Receiver.StartAsync();
        var options = Options.Create(new WebhookOptions { SealingSecret = "another" });
        var secrets = new WebhookSecrets(options, new ConfigurationBuilder().Build());
        using var client = new WebhookClient(secrets, options, TimeProvider.System);
        foreach (var host in new[] { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433" })
        {
            var id = Guid.CreateVersion7();
            var url = new Uri($"http://{host}:{new Uri(receiver.Address).Port}/hook");
            var webhook = new Webhook { Id = id, Url = url.AbsoluteUri, SealedSecret = secrets.Seal(id, "secret") };
            (await client.SendAsync(webhook, new WebhookDelivery { Id = id, Payload = "{}" }, Cancelled)).ShouldBe("The host has no public address.", host);
            (await client.IsPrivateAsync(url, Cancelled)).ShouldBeTrue(host);
        }

        receiver.All.ShouldBeEmpty();
    }

    private WebhookWorker Worker => service.Host.Services.GetServices<IHostedService>().OfType<WebhookWorker>().Single();

    private static string ToOf(JsonElement received) => received.GetProperty("data").TryGetProperty("to", out var to) ? to.GetString() ?? "" : "";

    private static string DataOf(JsonElement received) => received.GetProperty("data").ToString();

    /// <param name="events">None: all.</param>
    private static async Task<(Guid Id, string Secret)> CreateAsync(HttpClient admin, Receiver receiver, params string[] events)
    {
        var (status, body) = await admin.SendJsonAsync(HttpMethod.Post, Webhooks, new { url = $"{receiver.Address}/hook", events = events is [] ? WebhookEvents.All : events });
        status.ShouldBe(201, body.ToString());
        return (body.Id, body.GetProperty("secret").GetString() ?? "");
    }

    private static async Task DeleteAsync(HttpClient admin, Guid webhook)
    {
        using var response = await admin.DeleteAsync($"{Webhooks}/{webhook}", Cancelled);
        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    private static async Task<List<JsonElement>> DeliveriesAsync(HttpClient admin, Guid webhook, Guid report) =>
        [.. (await admin.AllPagesAsync($"{Webhooks}/{webhook}/deliveries?", 3)).Where(delivery => delivery.GetProperty("report_id").GetGuid() == report)];

    private Task<int> UpdateAsync(FormattableString sql) => service.QueryAsync(database => database.Database.ExecuteSqlAsync(sql, Cancelled));

    private sealed record Received(string Path, string Delivery, string Signature, string? ContentType, string Body, int Status)
    {
        public JsonElement Event { get; } = JsonElement.Parse(Body);
    }

    /// <summary>The receiver of a webhook.</summary>
    private sealed class Receiver(WebApplication app) : IAsyncDisposable
    {
        private readonly ConcurrentQueue<Received> _received = [];
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ConcurrentDictionary<Guid, int> _counts = [];
        private int _held;

        /// <summary>The status by the number of the request about a report.</summary>
        public Func<int, int> Answer { get; set; } = _ => 204;

        public string Address => app.Urls.Single();

        public List<Received> All => [.. _received];

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            var receiver = new Receiver(app);
            app.Run(receiver.AnswerAsync);
            await app.StartAsync(Cancelled);
            return receiver;
        }

        /// <summary>Lets the request with this number about a report wait.</summary>
        public void Hold(int number) => _held = number;

        public void Release() => _released.TrySetResult();

        public List<Received> Of(Guid report) => [.. _received.Where(request => request.Event.GetProperty("subject").GetGuid() == report)];

        public List<JsonElement> AcceptedOf(Guid report) => [.. Of(report).Where(request => request.Status < 300).Select(request => request.Event)];

        public Task WaitForAsync(Guid report, int count) => Eventually.TrueAsync(() => Of(report).Count >= count, "the deliveries");

        public ValueTask DisposeAsync()
        {
            Release();
            return app.DisposeAsync();
        }

        private async Task AnswerAsync(HttpContext http)
        {
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync(Cancelled);
            var number = _counts.AddOrUpdate(JsonElement.Parse(body).GetProperty("subject").GetGuid(), 1, (_, count) => count + 1); // other tests' reports may come too
            var status = Answer(number);
            _received.Enqueue(new Received(
                http.Request.Path, http.Request.Headers[WebhookClient.DeliveryHeader].ToString(), http.Request.Headers[WebhookClient.SignatureHeader].ToString(),
                http.Request.ContentType, body, status));
            if (number == _held)
            {
                await _released.Task;
            }

            http.Response.StatusCode = status;
            http.Response.Headers.Location = "/elsewhere";
        }
    }
}
