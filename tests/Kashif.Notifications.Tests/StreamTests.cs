using System.Net;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Tests;

/// <summary>The live stream: each notification once, over reconnects and replicas.</summary>
public sealed class StreamTests(NotificationsServers servers, SharedService shared) : IClassFixture<SharedService>
{
    private readonly Guid _user = Guid.CreateVersion7();

    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_has_what_arrives_and_the_number_of_unread_notifications()
    {
        await Service.NotifyAsync(_user);
        await using var stream = await InboxStreamClient.OpenAsync(Service.As(_user));
        (stream.Response.Content.Headers.ContentType?.MediaType).ShouldBe("text/event-stream");
        stream.Events.ShouldHaveSingleItem().EventType.ShouldBe("unread");
        stream.Unread.ShouldBe(1);

        var arrived = await Service.NotifyAsync(_user);
        await stream.WaitForAsync(1);

        stream.Notifications.ShouldHaveSingleItem().GetRawText().ShouldBe(arrived.GetRawText());
        await Eventually.TrueAsync(() => stream.Unread == 2, "the new number");
        using var client = Service.As(_user);
        using var read = await client.PatchAsync($"/api/v1/notifications/{arrived.GetProperty("id").GetGuid()}/read", null, Cancel);
        await Eventually.TrueAsync(() => stream.Unread == 1, "the number after reading");
        stream.Notifications.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_snoozed_notification_comes_back_as_new()
    {
        var id = (await Service.NotifyAsync(_user)).GetProperty("id").GetGuid();
        await using var stream = await InboxStreamClient.OpenAsync(Service.As(_user));
        using var client = Service.As(_user);
        using var content = new StringContent($$"""{"snoozed_until":"{{TimeProvider.System.GetUtcNow().AddHours(1):O}}"}""", null, "application/json");

        using var snoozed = await client.PatchAsync($"/api/v1/notifications/{id}", content, Cancel);
        snoozed.StatusCode.ShouldBe(HttpStatusCode.OK);
        await Service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE notifications SET snoozed_until = now() WHERE id = {id}", Cancel));
        await stream.WaitForAsync(1);

        stream.Notifications.ShouldHaveSingleItem().GetProperty("id").GetGuid().ShouldBe(id);
        await Eventually.TrueAsync(() => stream.Unread == 1, "the number of unread notifications");
    }

    [Fact]
    public async Task A_client_that_comes_back_gets_what_it_missed()
    {
        string? last;
        await using (var first = await InboxStreamClient.OpenAsync(Service.As(_user)))
        {
            await Service.NotifyAsync(_user, points: 1);
            await first.WaitForAsync(1);
            last = first.LastId;
        }

        await Service.NotifyAsync(_user, points: 2);
        await Service.NotifyAsync(_user, points: 3);

        await using var second = await InboxStreamClient.OpenAsync(Service.As(_user), last);
        await second.WaitForAsync(2);
        await using var since = await InboxStreamClient.OpenAsync(Service.As(_user), query: "?since=0");
        await since.WaitForAsync(3);

        Points(second).ShouldBe(["2", "3"]);
        Points(since).ShouldBe(["1", "2", "3"]);
    }

    [Theory]
    [InlineData("?since=-1", null, "since")]
    [InlineData("?since=x", null, "since")]
    [InlineData("", "x", "Last-Event-ID")]
    public async Task An_invalid_resume_point_returns_400(string query, string? header, string field)
    {
        await using var stream = await InboxStreamClient.OpenAsync(Service.As(_user), header, query);

        stream.Response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        await using var again = await InboxStreamClient.OpenAsync(Service.As(_user));
        again.Response.StatusCode.ShouldBe(HttpStatusCode.OK);
        field.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_user_has_at_most_five_streams()
    {
        var streams = new List<InboxStreamClient>();
        for (var count = 0; count < 5; count++)
        {
            streams.Add(await InboxStreamClient.OpenAsync(Service.As(_user)));
        }

        await using var refused = await InboxStreamClient.OpenAsync(Service.As(_user));
        refused.Response.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        await using var other = await InboxStreamClient.OpenAsync(Service.As(Guid.CreateVersion7()));
        other.Response.StatusCode.ShouldBe(HttpStatusCode.OK);

        await streams[0].DisposeAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                await using var next = await InboxStreamClient.OpenAsync(Service.As(_user));
                return next.Response.StatusCode == HttpStatusCode.OK;
            },
            "a free place");
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_stream_ends_with_its_session_and_with_its_user()
    {
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var (session, deleted) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await using var ofSession = await InboxStreamClient.OpenAsync(Service.In(_user, session));
        await using var ofOtherSession = await InboxStreamClient.OpenAsync(Service.As(_user));
        await using var ofDeleted = await InboxStreamClient.OpenAsync(Service.As(deleted));

        await Service.PublishAsync(new UserSignedOut(_user, [session], false));
        await tap.EraseAsync(deleted, ResourceNames.Notifications);

        await ofSession.Ended.WaitAsync(Cancel);
        await ofDeleted.Ended.WaitAsync(Cancel);
        ofOtherSession.Ended.IsCompleted.ShouldBeFalse();
    }

    private static IEnumerable<string?> Points(InboxStreamClient stream) => stream.Notifications.Select(item => item.GetProperty("data").GetProperty("points").GetString());
}
