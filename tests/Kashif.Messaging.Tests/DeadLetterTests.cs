using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Messaging.DeadLetters;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Messaging.Tests;

/// <summary>Admins and operators find dead letters, edit them and put them back.</summary>
public sealed class DeadLetterTests(MessagingServers servers)
{
    /// <summary>The queue of this class only. It gets the events of the other tests too.</summary>
    private const string Consumer = ResourceNames.Notifications;
    private const string Path = "/api/v1/sample/admin/dead-letters";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dead_letters_are_listed_by_type_exception_and_id()
    {
        await using var service = await StartAsync();
        using var admin = service.As(Guid.CreateVersion7(), Roles.Admin);
        var events = await FailAsync(service, 3);

        var one = (await ListAsync(admin, $"?id={events[1].Id}")).ShouldHaveSingleItem();

        one.GetProperty("type").GetString().ShouldBe(ReportCreated.Type);
        one.GetProperty("exception").GetString().ShouldBe(nameof(InvalidOperationException));
        one.GetProperty("reason").GetString().ShouldBe("InvalidOperationException: This report is poison.");
        one.GetProperty("tries").GetInt32().ShouldBe(1);
        one.GetProperty("data").GetProperty("report_id").GetGuid().ShouldBe(events[1].Report);
        (await ListAsync(admin, $"?id={one.GetProperty("id").GetGuid()}")).ShouldHaveSingleItem();
        var filters = $"type={ReportCreated.Type}&exception={nameof(InvalidOperationException)}";
        (await ListAsync(admin, $"?{filters}")).Select(EventIdOf).ShouldBe(events.Select(failed => failed.Id), ignoreOrder: true);
        (await ListAsync(admin, $"?id={events[1].Id}&type={UserDeleted.Type}")).ShouldBeEmpty();
        (await ListAsync(admin, $"?id={events[1].Id}&exception={nameof(TimeoutException)}")).ShouldBeEmpty();

        var first = await admin.GetFromJsonAsync<JsonElement>($"{Path}?{filters}&limit=2", Cancel);
        var second = await admin.GetFromJsonAsync<JsonElement>($"{Path}?{filters}&limit=2&cursor={first.GetProperty("next_cursor").GetString()}", Cancel);
        first.GetProperty("items").EnumerateArray().Concat(second.GetProperty("items").EnumerateArray()).Select(EventIdOf)
            .ShouldBe(events.Select(failed => failed.Id), ignoreOrder: true);
        second.GetProperty("next_cursor").ValueKind.ShouldBe(JsonValueKind.Null);
        await PurgeAsync(service);
    }

    [Fact]
    public async Task Dead_letters_are_replayed_by_filter_and_the_audit_log_is_told()
    {
        await using var service = await StartAsync();
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, DeadLettersReplayed.Type);
        var adminId = Guid.CreateVersion7();
        using var admin = service.As(adminId, Roles.Admin);
        var events = await FailAsync(service, 3);
        service.Control.Poison.Clear();

        using var none = await admin.PostAsJsonAsync($"{Path}/replay", new { type = ReportCreated.Type, exception = nameof(TimeoutException) }, Cancel);
        using var all = await admin.PostAsJsonAsync($"{Path}/replay", new { type = ReportCreated.Type, exception = nameof(InvalidOperationException) }, Cancel);

        (await ReplayedAsync(none)).ShouldBe(0);
        (await ReplayedAsync(all)).ShouldBe(3);
        await CountedAsync(service, [.. events.Select(failed => failed.Report)]);
        var told = await tap.WaitForAsync(DeadLettersReplayed.Type, data => data.GetProperty("actor_id").GetGuid() == adminId);
        told.GetProperty("data").GetProperty("count").GetInt32().ShouldBe(3);
        told.GetProperty("data").GetProperty("service").GetString().ShouldBe(Consumer);
        tap.Envelopes(DeadLettersReplayed.Type).Count(envelope => envelope.GetProperty("data").GetProperty("actor_id").GetString() == adminId.ToString()).ShouldBe(1);
    }

    [Fact]
    public async Task A_dead_letter_is_edited_before_its_replay_and_the_others_stay()
    {
        await using var service = await StartAsync();
        using var admin = service.As(Guid.CreateVersion7(), Roles.Admin);
        var events = await FailAsync(service, 2);
        var letter = (await ListAsync(admin, $"?id={events[0].Id}")).ShouldHaveSingleItem().GetProperty("id").GetGuid();
        var mended = Guid.CreateVersion7();

        foreach (var wrong in new object[] { new { report_id = "no id" }, new { title = (string?)null }, new { nothing_like_it = 1 } })
        {
            using var refused = await admin.PostAsJsonAsync($"{Path}/{letter}/replay", new { data = wrong }, Cancel);
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty("data", out _).ShouldBeTrue();
        }

        using var replayed = await admin.PostAsJsonAsync($"{Path}/{letter}/replay", new { data = new { report_id = mended } }, Cancel);

        (await ReplayedAsync(replayed)).ShouldBe(1);
        await CountedAsync(service, [mended]);
        (await ListAsync(admin, $"?exception={nameof(InvalidOperationException)}")).Select(EventIdOf).ShouldBe([events[1].Id]);
        using var gone = await admin.PostAsJsonAsync($"{Path}/{letter}/replay", new { }, Cancel);
        gone.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await PurgeAsync(service);
    }

    [Fact]
    public async Task One_call_replays_a_thousand_and_tells_how_many_remain()
    {
        await using var service = await StartAsync();
        using var admin = service.As(Guid.CreateVersion7(), Roles.Admin);
        var reports = Enumerable.Range(0, DeadLetterQueue.MaxReplay + 2).Select(_ => Guid.CreateVersion7()).ToArray();
        await using (var channel = await service.Services.GetRequiredService<Broker>().OpenPublishChannelAsync(reports.Length, Cancel))
        {
            var failure = MessageHeaders.ForFailure(0, new InvalidOperationException(), TimeProvider.System.GetUtcNow());
            await Task.WhenAll(reports.Select(report => channel.BasicPublishAsync(
                exchange: "", Broker.DeadLetterQueue(Consumer), mandatory: true, failure, JsonSerializer.SerializeToUtf8Bytes(new
                {
                    specversion = "1.0",
                    id = Guid.CreateVersion7(),
                    type = ReportCreated.Type,
                    time = TimeProvider.System.GetUtcNow(),
                    data = JsonSerializer.SerializeToElement(
                        new ReportCreated(report, Guid.CreateVersion7(), "A title", "pothole", 1, 2), EventCatalog.Types[ReportCreated.Type]),
                }), Cancel).AsTask()));
        }

        using var first = await admin.PostAsJsonAsync($"{Path}/replay", new { exception = nameof(InvalidOperationException) }, Cancel);
        using var second = await admin.PostAsJsonAsync($"{Path}/replay", new { exception = nameof(InvalidOperationException) }, Cancel);

        (await ReplayedAsync(first, remaining: 2)).ShouldBe(DeadLetterQueue.MaxReplay);
        (await ReplayedAsync(second)).ShouldBe(2);
        await CountedAsync(service, reports);
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_if_a_replay_is_cut_off()
    {
        await using var service = await StartAsync();
        var events = await FailAsync(service, 100);
        service.Control.Poison.Clear();
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        service.Control.OnCommitted = cut.Cancel;
        var queue = service.Services.GetRequiredService<DeadLetterQueue>();
        var filter = new DeadLetterFilter(Exception: nameof(InvalidOperationException));

        try
        {
            await queue.ReplayAsync(filter, null, null, cut.Token);
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested)
        {
            // The usual case: the first events are committed while the replay still moves the others.
        }

        service.Control.OnCommitted = null;
        var reports = events.Select(failed => failed.Report).ToArray();
        await Eventually.TrueAsync(
            async () =>
            {
                await queue.ReplayAsync(filter, null, null, Cancel); // again, because letters may come back late
                return (await queue.ListAsync(filter, Cancel)).Count == 0 && await TimesCountedAsync() >= reports.Length;
            },
            "the replay of the others");

        await CountedAsync(service, reports);
        (await TimesCountedAsync()).ShouldBe(reports.Length);

        Task<int> TimesCountedAsync() =>
            service.WithDbAsync(database => database.Counted.CountAsync(counted => reports.Contains(counted.ReportId), Cancel));
    }

    [Fact]
    public async Task Only_admins_may_look_and_a_bad_filter_is_refused()
    {
        await using var service = await StartAsync();
        using var staff = service.As(Guid.CreateVersion7(), Roles.Moderator);
        using var admin = service.As(Guid.CreateVersion7(), Roles.Admin);

        (await staff.GetAsync(Path, Cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await staff.PostAsJsonAsync($"{Path}/replay", new { }, Cancel)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await admin.GetAsync($"{Path}?limit=1000", Cancel)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await admin.GetAsync($"{Path}?type={new string('x', 101)}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await admin.PostAsJsonAsync($"{Path}/replay", new { type = new string('x', 101) }, Cancel)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public void Secrets_of_an_event_are_not_shown()
    {
        var body = Encoding.UTF8.GetBytes("""{"id": "0190a0a0-0000-7000-8000-000000000000", "type": "t", "time": "2026-01-01T00:00:00Z", "data": {"token": "s3cret", "user_id": 1}}""");

        var shown = new DeadLetter(Guid.Empty, CloudEvent.Parse(body), "E", "E: reason", 1, DateTimeOffset.UnixEpoch, body).ShownData();

        shown.ShouldNotBeNull().ToJsonString().ShouldBe("""{"token":"***","user_id":1}""");
    }

    private async Task<SampleService> StartAsync()
    {
        var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: []);
        await PurgeAsync(service);
        return service;
    }

    /// <summary>Publishes events that fail at once, and waits until they are dead letters.</summary>
    private async Task<(Guid Id, Guid Report)[]> FailAsync(SampleService service, int count)
    {
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        var events = Enumerable.Range(0, count).Select(_ => (Id: Guid.CreateVersion7(), Report: Guid.CreateVersion7())).ToArray();
        service.Control.Poison.UnionWith(events.Select(failed => failed.Report));
        foreach (var (id, report) in events)
        {
            await tap.PublishAsync(new ReportCreated(report, Guid.CreateVersion7(), "A title", "pothole", 1, 2), id);
        }

        var queue = service.Services.GetRequiredService<DeadLetterQueue>();
        await Eventually.TrueAsync(
            async () => (await queue.ListAsync(new DeadLetterFilter(Exception: nameof(InvalidOperationException)), Cancel)).Count == count, $"{count} dead letters");
        return events;
    }

    private static async Task<JsonElement[]> ListAsync(HttpClient client, string query) =>
        [.. (await client.GetFromJsonAsync<JsonElement>(Path + query, Cancel)).GetProperty("items").EnumerateArray()];

    private static Guid EventIdOf(JsonElement letter) => letter.GetProperty("event_id").GetGuid();

    private static async Task<int> ReplayedAsync(HttpResponseMessage response, int remaining = 0)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        answer.GetProperty("remaining").GetInt32().ShouldBe(remaining);
        return answer.GetProperty("replayed").GetInt32();
    }

    private static Task CountedAsync(SampleService service, Guid[] reports) => Eventually.TrueAsync(
        async () => await service.WithDbAsync(database => database.Counted
            .Where(counted => reports.Contains(counted.ReportId)).Select(counted => counted.ReportId).Distinct().CountAsync(Cancel)) == reports.Length,
        $"{reports.Length} reports to be counted");

    private static async Task PurgeAsync(SampleService service)
    {
        await using var channel = await service.Services.GetRequiredService<Broker>().OpenChannelAsync(Cancel);
        await channel.QueuePurgeAsync(Broker.DeadLetterQueue(Consumer), Cancel);
    }
}
