using System.Net;
using System.Net.Http.Json;
using Kashif.Reporting.Sync;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>A copy that is kept by the feed equals the public reports, whatever happens meanwhile.</summary>
public sealed class SyncTests(ReportingService service)
{
    [Fact]
    public async Task A_transaction_that_commits_late_is_not_skipped()
    {
        using var client = service.Citizen(out _);
        var copy = new Copy(client);
        await copy.ReadToEndAsync();
        await using var connection = new NpgsqlConnection(service.Host.Database);
        await connection.OpenAsync(Cancelled);
        var late = (await service.FileAsync()).Id;
        await copy.ReadUntilAsync(() => copy.Titles.ContainsKey(late));
        await using (var transaction = await connection.BeginTransactionAsync(Cancelled))
        {
            await using var update = new NpgsqlCommand("UPDATE reports SET title = 'Late', version = version + 1 WHERE id = $1", connection, transaction) { Parameters = { new() { Value = late } } };
            await update.ExecuteNonQueryAsync(Cancelled);
            var early = (await service.FileAsync()).Id; // later, but committed before
            await copy.ReadToEndAsync();
            copy.Titles.ShouldNotContainKey(early, "no change may come before one that is not yet known");
            await transaction.CommitAsync(Cancelled);

            // Other tests have transactions in progress, too.
            await copy.ReadUntilAsync(() => copy.Titles[late] == "Late" && copy.Titles.ContainsKey(early));
        }
    }

    [Fact]
    public async Task A_reader_beside_writers_ends_with_the_public_reports()
    {
        const string Category = "sync-race";
        using var client = service.Citizen(out _);
        var copy = new Copy(client);
        await copy.ReadToEndAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var reading = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await copy.ReadToEndAsync(limit: 7);
            }
        }, Cancelled);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            var random = new Random(writer);
            await using var connection = new NpgsqlConnection(service.Host.Database);
            await connection.OpenAsync(Cancelled);
            for (var round = 0; round < 10; round++)
            {
                var ids = await service.SeedAsync([(50, writer), (50, writer), (50, writer)], Category);
                await using var transaction = await connection.BeginTransactionAsync(Cancelled);
                foreach (var sql in (string[])["UPDATE reports SET title = 'Changed', version = version + 1 WHERE id = $1", "DELETE FROM reports WHERE id = $1", "UPDATE reports SET hidden = true WHERE id = $1"])
                {
                    await using var command = new NpgsqlCommand(sql, connection, transaction) { Parameters = { new() { Value = ids[random.Next(3)] } } };
                    await command.ExecuteNonQueryAsync(Cancelled);
                }

                await (random.Next(4) == 0 ? transaction.RollbackAsync(Cancelled) : transaction.CommitAsync(Cancelled));
            }
        }));
        await stop.CancelAsync();
        await reading;
        var expected = await service.QueryAsync(database => database.Reports.Where(report => report.Category == Category && !report.Hidden)
            .ToDictionaryAsync(report => report.Id, report => report.Title, Cancelled));
        await copy.ReadUntilAsync(() => copy.Titles.Where(pair => copy.Categories[pair.Key] == Category).OrderBy(pair => pair.Key).SequenceEqual(expected.OrderBy(pair => pair.Key)));
    }

    [Fact]
    public async Task A_report_that_was_never_public_is_not_announced()
    {
        using var owner = service.Citizen(out _);
        using var response = await owner.PostReportAsync(new { title = "Secret noise", description = "", category = "noise", latitude = 1, longitude = 1, @private = true });
        var id = (await response.JsonAsync()).Id;
        await service.QueryAsync(database => database.Reports.Where(report => report.Id == id).ExecuteUpdateAsync(set => set.SetProperty(report => report.Version, 2), Cancelled));
        var copy = new Copy(owner);

        await copy.ReadToEndAsync();
        await service.QueryAsync(database => database.Reports.Where(report => report.Id == id).ExecuteDeleteAsync(Cancelled));
        await copy.ReadToEndAsync();

        copy.Seen.ShouldNotContain(id);
    }

    [Theory]
    [InlineData("private")]
    [InlineData("hidden")]
    public async Task What_happens_to_a_report_while_it_is_not_public_is_not_announced(string flag)
    {
        using var owner = service.Citizen(out _);
        using var moderator = service.NewUser(Roles.Moderator);
        var id = (await owner.FileAsync()).Id;
        var copy = new Copy(owner);
        await copy.ReadUntilAsync(() => copy.Titles.ContainsKey(id));
        await EditAsync(true);
        await copy.ReadUntilAsync(() => !copy.Titles.ContainsKey(id));

        copy.Seen.Clear();
        (await moderator.ChangeStatusAsync(id, new { status = "verified" })).Status.ShouldBe(200);
        using (var comment = await owner.PostAsJsonAsync($"{Root}/{id}/comments", new { text = "Still there." }, Cancelled))
        {
            comment.StatusCode.ShouldBe(HttpStatusCode.Created);
        }

        var marker = (await owner.FileAsync()).Id; // the feed has come past the changes when it has this one
        await copy.ReadUntilAsync(() => copy.Titles.ContainsKey(marker));
        copy.Seen.ShouldNotContain(id);

        await EditAsync(false);
        await copy.ReadUntilAsync(() => copy.Titles.ContainsKey(id));
        await EditAsync(true);
        await copy.ReadUntilAsync(() => !copy.Titles.ContainsKey(id));
        copy.Seen.Clear();
        using (var deleted = await moderator.DeleteAsync($"{Root}/{id}", Cancelled))
        {
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        var last = (await owner.FileAsync()).Id;
        await copy.ReadUntilAsync(() => copy.Titles.ContainsKey(last));
        copy.Seen.ShouldNotContain(id, "its end was told before");

        async Task EditAsync(bool value)
        {
            object edit = flag == "private" ? new { @private = value, reason = "A test" } : new { hidden = value, reason = "A test" };
            using var response = await moderator.PatchAsJsonAsync($"{Root}/{id}", edit, Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task After_a_restore_on_another_server_the_changes_are_numbered_anew()
    {
        await using var other = await service.StartAnotherAsync(reportsPerHour: 0);
        using var client = other.As(Guid.CreateVersion7());
        var id = (await client.FileAsync()).Id;
        await using (var connection = new NpgsqlConnection(other.Database))
        {
            await connection.OpenAsync(Cancelled);
            await using var restore = new NpgsqlCommand("UPDATE feed_identities SET identity = 'another'; UPDATE report_changes SET changed_in = '9000000000000'::xid8", connection);
            await restore.ExecuteNonQueryAsync(Cancelled);
        }

        var fresh = new Copy(client);
        await fresh.ReadUntilAsync(() => fresh.Titles.Count > 0);

        fresh.Titles.Keys.ShouldBe([id]);
    }

    [Fact]
    public async Task Old_and_foreign_cursors_are_refused()
    {
        using var client = service.Citizen(out _);
        var now = TimeProvider.System.GetUtcNow();
        var foreign = new SyncCursor(1, Guid.Empty, "another", now).Encode();

        (await client.ReadAsync($"{Root}/sync?cursor={foreign}")).Status.ShouldBe(410);
        var identity = await service.QueryAsync(database => FeedIdentities.CurrentAsync(database, Cancelled));
        var timeline = new SyncCursor(1, Guid.Empty, $"{identity[..^1]}F", now).Encode(); // of a server that was restored to an earlier time
        (await client.ReadAsync($"{Root}/sync?cursor={timeline}")).Status.ShouldBe(410);
        (await client.ReadAsync($"{Root}/sync?cursor={new SyncCursor(1, Guid.Empty, identity, now.AddDays(-91)).Encode()}")).Status.ShouldBe(410);
        (await client.ReadAsync($"{Root}/sync?cursor={new SyncCursor(1, Guid.Empty, identity, now.AddDays(-89)).Encode()}")).Status.ShouldBe(200);
        var (status, body) = await client.ReadAsync($"{Root}/sync?cursor=nonsense");
        status.ShouldBe(400);
        body.BadFields.ShouldBe(["cursor"]);
    }

    /// <summary>What a client keeps.</summary>
    private sealed class Copy(HttpClient client)
    {
        private string? _cursor;

        public Dictionary<Guid, string> Titles { get; } = [];
        public Dictionary<Guid, string> Categories { get; } = [];
        public HashSet<Guid> Seen { get; } = [];

        public Task ReadUntilAsync(Func<bool> isThere) => Eventually.TrueAsync(
            async () =>
            {
                await ReadToEndAsync();
                return isThere();
            },
            "the changes");

        public async Task ReadToEndAsync(int limit = 1000)
        {
            for (var more = true; more;)
            {
                var (status, body) = await client.ReadAsync($"{Root}/sync?limit={limit}{(_cursor is null ? "" : $"&cursor={_cursor}")}");
                status.ShouldBe(200, body.ToString());
                foreach (var item in body.GetProperty("items").EnumerateArray())
                {
                    Seen.Add(item.Id);
                    if (item.GetProperty("deleted").GetBoolean())
                    {
                        Titles.Remove(item.Id);
                        item.TryGetProperty("report", out _).ShouldBeFalse();
                    }
                    else
                    {
                        Titles[item.Id] = item.GetProperty("report").GetProperty("title").GetString() ?? "";
                        Categories[item.Id] = item.GetProperty("report").GetProperty("category").GetString() ?? "";
                    }
                }

                _cursor = body.GetProperty("next_cursor").GetString();
                more = body.GetProperty("has_more").GetBoolean();
            }
        }
    }
}
