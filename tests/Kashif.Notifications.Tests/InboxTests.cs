using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Notifications.Tests;

/// <summary>Read, archive, snooze and delete; the lists and the number of unread notifications follow.</summary>
public sealed class InboxTests(SharedService shared) : IClassFixture<SharedService>
{
    private const string Root = "/api/v1/notifications";
    private readonly Guid _user = Guid.CreateVersion7();

    private NotificationsService Service => shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_archived_notification_leaves_the_inbox_and_comes_back()
    {
        var first = Id(await Service.NotifyAsync(_user));
        var second = Id(await Service.NotifyAsync(_user));

        (await ChangeAsync(first, new { archived = true })).GetProperty("archived_at").ValueKind.ShouldBe(JsonValueKind.String);
        (await IdsAsync("")).ShouldBe([second]);
        (await IdsAsync("unread_only=true")).ShouldBe([second]);
        (await IdsAsync("archived=true")).ShouldBe([first]);
        (await Service.UnreadAsync(_user)).ShouldBe(1);

        var back = await ChangeAsync(first, new { archived = false });
        (back.GetProperty("archived_at").ValueKind, back.GetProperty("read_at").ValueKind).ShouldBe((JsonValueKind.Null, JsonValueKind.Null));
        (await IdsAsync("")).ShouldBe([second, first]);
        (await IdsAsync("archived=true")).ShouldBeEmpty();
        (await Service.UnreadAsync(_user)).ShouldBe(2);
    }

    [Fact]
    public async Task A_snoozed_notification_is_hidden_until_its_time_and_then_on_top()
    {
        var snoozed = Id(await Service.NotifyAsync(_user));
        var other = Id(await Service.NotifyAsync(_user));

        (await ChangeAsync(snoozed, new { snoozed_until = "2999-01-01T00:00:00Z" }, HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("snoozed_until", out _).ShouldBeTrue();
        await ChangeAsync(snoozed, new { snoozed_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        (await IdsAsync("")).ShouldBe([other]);
        (await IdsAsync("snoozed=true")).ShouldBe([snoozed]);
        (await Service.UnreadAsync(_user)).ShouldBe(1);

        await SnoozesAreOverAsync();
        await Eventually.TrueAsync(async () => (await IdsAsync("")).Length == 2, "the end of the snooze");
        (await IdsAsync("")).ShouldBe([snoozed, other]);
        (await IdsAsync("snoozed=true")).ShouldBeEmpty();
        (await Service.UnreadAsync(_user)).ShouldBe(2);
    }

    [Fact]
    public async Task A_snooze_can_be_ended_early_and_ends_in_the_archive()
    {
        var id = Id(await Service.NotifyAsync(_user));
        await ChangeAsync(id, new { snoozed_until = TimeProvider.System.GetUtcNow().AddHours(1) });

        (await ChangeAsync(id, new { archived = false })).GetProperty("snoozed_until").ValueKind.ShouldBe(JsonValueKind.Null);
        (await IdsAsync("")).ShouldBe([id]);

        await ChangeAsync(id, new { snoozed_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        (await ChangeAsync(id, new { archived = true })).GetProperty("snoozed_until").ValueKind.ShouldBe(JsonValueKind.Null);
        await ChangeAsync(id, new { snoozed_until = TimeProvider.System.GetUtcNow().AddHours(1) });
        (await IdsAsync("archived=true")).ShouldBeEmpty();
        (await IdsAsync("snoozed=true")).ShouldBe([id]);
    }

    [Fact]
    public async Task Read_all_leaves_what_is_newer_unread()
    {
        var seen = new[] { Id(await Service.NotifyAsync(_user)), Id(await Service.NotifyAsync(_user)) };
        var later = Id(await Service.NotifyAsync(_user));
        using var client = Service.As(_user);

        using var some = await client.PostAsync($"{Root}/read-all?before={seen[1]}", null, Cancel);
        (await some.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("unread_count").GetInt32().ShouldBe(1);
        (await IdsAsync("unread_only=true")).ShouldBe([later]);

        using var all = await client.PostAsync($"{Root}/read-all", null, Cancel);
        (await all.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("unread_count").GetInt32().ShouldBe(0);
        (await IdsAsync("")).Length.ShouldBe(3);
    }

    [Fact]
    public async Task A_deleted_notification_is_gone()
    {
        var id = Id(await Service.NotifyAsync(_user));
        using var stranger = Service.As(Guid.CreateVersion7());
        using var client = Service.As(_user);

        using var refused = await stranger.DeleteAsync($"{Root}/{id}", Cancel);
        refused.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var deleted = await client.DeleteAsync($"{Root}/{id}", Cancel);
        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var again = await client.DeleteAsync($"{Root}/{id}", Cancel);
        again.StatusCode.ShouldBe(HttpStatusCode.NotFound);

        (await IdsAsync("")).ShouldBeEmpty();
        (await Service.UnreadAsync(_user)).ShouldBe(0);
    }

    [Theory]
    [InlineData("""{"read": false}""", "read")]
    [InlineData("""{"archived": true, "snoozed_until": "2026-12-01T00:00:00Z"}""", "snoozed_until")]
    [InlineData("""{"snoozed_until": "2020-01-01T00:00:00Z"}""", "snoozed_until")]
    public async Task An_invalid_change_returns_400_with_the_bad_field(string body, string field)
    {
        var id = Id(await Service.NotifyAsync(_user));

        (await ChangeAsync(id, JsonElement.Parse(body), HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty(field, out _).ShouldBeTrue();
    }

    [Theory]
    [InlineData("archived=true&snoozed=true", "snoozed")]
    [InlineData("unread_only=true&archived=true", "unread_only")]
    public async Task Filters_that_exclude_each_other_return_400(string query, string field)
    {
        using var client = Service.As(_user);

        using var response = await client.GetAsync($"{Root}?{query}", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("errors").TryGetProperty(field, out _).ShouldBeTrue();
    }

    /// <summary>Everything at once: the count, the list and the stream agree when all is done, and no call fails.</summary>
    [Fact]
    public async Task The_number_of_unread_notifications_is_right_under_64_concurrent_changes()
    {
        const int workers = 64, arrivals = 256;
        var ids = new Guid[workers];
        for (var index = 0; index < workers; index++)
        {
            await Service.PublishAsync(new Messaging.Events.PointsAwarded(Guid.CreateVersion7(), _user, 1, 1, "x"));
        }

        ids = [.. (await Service.WaitForFeedAsync(_user, workers)).Select(Id)];
        await using var stream = await InboxStreamClient.OpenAsync(Service.As(_user));
        using var client = Service.As(_user);
        var statuses = await Task.WhenAll(Enumerable.Range(0, workers).Select(async worker =>
        {
            var seen = new List<HttpStatusCode>();
            for (var step = 0; step < 6; step++)
            {
                await Service.PublishAsync(new Messaging.Events.PointsAwarded(Guid.CreateVersion7(), _user, 1, 1, "x"));
                var id = ids[(worker * 7 + step * 13) % workers];
                var action = (worker + step) % 6;
                using var response = await (action switch
                {
                    0 => client.PatchAsync($"{Root}/{id}/read", null, Cancel),
                    1 => client.PatchAsJsonAsync($"{Root}/{id}", new { archived = true }, Cancel),
                    2 => client.PatchAsJsonAsync($"{Root}/{id}", new { archived = false }, Cancel),
                    3 => client.PatchAsJsonAsync($"{Root}/{id}", new { snoozed_until = TimeProvider.System.GetUtcNow().AddHours(1) }, Cancel),
                    4 when worker % 8 == 0 => client.PostAsync($"{Root}/read-all", null, Cancel),
                    _ => client.DeleteAsync($"{Root}/{id}", Cancel),
                });
                seen.Add(response.StatusCode);
            }

            return seen;
        }));

        await SnoozesAreOverAsync();
        statuses.SelectMany(seen => seen).Distinct().ShouldBeSubsetOf([HttpStatusCode.OK, HttpStatusCode.NoContent, HttpStatusCode.NotFound]);
        await Eventually.TrueAsync(
            () => Service.QueryAsync(async database => await database.InboxHeads.Where(head => head.UserId == _user).Select(head => head.Position).SingleAsync(Cancel) >= workers + (workers * 6)
                && !await database.Notifications.AnyAsync(row => row.UserId == _user && row.Folder == Folders.Snoozed, Cancel)),
            "all arrivals and the ends of all snoozes");
        var rows = await Service.QueryAsync(database => database.Notifications.CountAsync(row => row.UserId == _user && row.ReadAt == null && row.Folder == Folders.Inbox, Cancel));
        rows.ShouldBeGreaterThan(0);
        (await Service.UnreadAsync(_user)).ShouldBe(rows);
        (await AllUnreadAsync()).ShouldBe(rows);
        await Eventually.TrueAsync(() => stream.Unread == rows && stream.Notifications.Count >= arrivals, "the number and the arrivals in the stream");
    }

    /// <summary>However many rows an inbox has: each list reads one page from an index that is in its order.</summary>
    [Fact]
    public async Task Each_list_reads_one_page_of_an_index()
    {
        var neighbours = new[] { Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), _user };
        await using var source = NpgsqlDataSource.Create(Service.Database);
        await using (var insert = source.CreateCommand("""
            INSERT INTO notifications (id, sort_key, event_id, user_id, type, title, body, data, created_at, position, folder, read_at, snoozed_until)
            SELECT id, id, gen_random_uuid(), user_id, 'points.awarded', 'Points', 'Points', '{}', now(), number,
                CASE number % 10 WHEN 1 THEN 'archive' WHEN 2 THEN 'snoozed' ELSE 'inbox' END,
                CASE WHEN number % 3 = 0 THEN now() END,
                CASE WHEN number % 10 = 2 THEN now() + interval '1 day' END
            FROM (SELECT user_id, number, gen_random_uuid() AS id FROM unnest($1) AS user_id, generate_series(1, 25000) AS number OFFSET 0) AS new
            """))
        {
            insert.Parameters.Add(new() { Value = neighbours });
            insert.CommandTimeout = 600;
            await insert.ExecuteNonQueryAsync(Cancel);
        }

        await using (var analyze = source.CreateCommand("ANALYZE notifications"))
        {
            analyze.CommandTimeout = 600;
            await analyze.ExecuteNonQueryAsync(Cancel);
        }

        const int size = 50;
        await using var scope = Service.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        var middle = new Guid("80000000-0000-0000-0000-000000000000");
        (string Name, string Index, IQueryable<Notification> Query)[] lists =
        [
            .. from before in new Guid?[] { null, middle }
               from folder in new[] { Folders.Inbox, Folders.Archive, Folders.Snoozed }
               select (folder, "ix_notifications_user_id_folder_sort_key", NotificationEndpoints.List(database, _user, folder, unreadOnly: false, before, size)),
            ("unread", "ix_notifications_unread", NotificationEndpoints.List(database, _user, Folders.Inbox, unreadOnly: true, null, size)),
            ("unread, second page", "ix_notifications_unread", NotificationEndpoints.List(database, _user, Folders.Inbox, unreadOnly: true, middle, size)),
        ];
        foreach (var (name, index, query) in lists)
        {
            var (plan, nodes) = await ExplainAsync(query);
            nodes.Select(node => node.GetProperty("Node Type").GetString()).ShouldBe(["Limit", "Index Scan"], $"{name}: {plan}");
            nodes[1].GetProperty("Index Name").GetString().ShouldBe(index, name);
            nodes[1].GetProperty("Actual Rows").GetDouble().ShouldBe(size + 1, name);
            nodes[1].TryGetProperty("Rows Removed by Filter", out _).ShouldBeFalse($"{name}: {plan}");
        }

        var (streamPlan, stream) = await ExplainAsync(InboxStream.After(database, _user, 1000));
        stream.Select(node => node.GetProperty("Node Type").GetString()).ShouldBe(["Limit", "Index Scan"], streamPlan);
        stream[1].GetProperty("Index Name").GetString().ShouldBe("ix_notifications_user_id_position");
    }

    private static async Task<(string Text, JsonElement[] Nodes)> ExplainAsync(IQueryable<Notification> query)
    {
        await using var explain = query.CreateDbCommand();
        explain.CommandText = $"EXPLAIN (ANALYZE, FORMAT JSON) {explain.CommandText}";
        await explain.Connection.ShouldNotBeNull().OpenAsync(Cancel);
        try
        {
            var text = (string)(await explain.ExecuteScalarAsync(Cancel) ?? "");
            return (text, [.. Nodes(JsonElement.Parse(text)[0].GetProperty("Plan"))]);
        }
        finally
        {
            await explain.Connection.CloseAsync();
        }
    }

    private static IEnumerable<JsonElement> Nodes(JsonElement node) =>
        node.TryGetProperty("Plans", out var children) ? children.EnumerateArray().SelectMany(Nodes).Prepend(node) : [node];

    private async Task<int> AllUnreadAsync()
    {
        using var client = Service.As(_user);
        var count = 0;
        string? cursor = null;
        do
        {
            var page = await client.GetFromJsonAsync<JsonElement>($"{Root}?unread_only=true&limit=100{(cursor is null ? "" : $"&cursor={cursor}")}", Cancel);
            count += page.GetProperty("items").GetArrayLength();
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        return count;
    }

    private async Task SnoozesAreOverAsync()
    {
        await using var database = NpgsqlDataSource.Create(Service.Database);
        await using var update = database.CreateCommand("UPDATE notifications SET snoozed_until = now() WHERE user_id = $1 AND folder = 'snoozed'");
        update.Parameters.Add(new() { Value = _user });
        await update.ExecuteNonQueryAsync(Cancel);
    }

    private async Task<JsonElement> ChangeAsync(Guid id, object change, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var client = Service.As(_user);
        using var response = await client.PatchAsJsonAsync($"{Root}/{id}", change, Cancel);
        response.StatusCode.ShouldBe(expected);
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    private async Task<Guid[]> IdsAsync(string query) => [.. (await Service.FeedAsync(_user, query)).Select(Id)];

    private static Guid Id(JsonElement notification) => notification.GetProperty("id").GetGuid();
}
