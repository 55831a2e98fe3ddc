using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Kashif.Notifications.Tests;

/// <summary>Migrations of a database with data.</summary>
public sealed class MigrationTests(NotificationsServers servers)
{
    private const string Previous = "20261129065452_EndedDeliveries";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Notifications_from_before_the_stream_keep_their_order_and_get_positions()
    {
        var connection = new NpgsqlConnectionStringBuilder(servers.Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;
        await using var database = new NotificationsDbContext(
            new DbContextOptionsBuilder<NotificationsDbContext>().UseNpgsql(connection).UseSnakeCaseNamingConvention().Options);
        var migrator = database.GetService<IMigrator>();
        await migrator.MigrateAsync(Previous, Cancel);
        var (user, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var start = TimeProvider.System.GetUtcNow();
        Guid[] ids = [.. Enumerable.Range(0, 4).Select(second => Messaging.TimeOrderedId.Create(start.AddSeconds(second)))];
        foreach (var (id, owner) in new[] { (ids[2], user), (ids[0], user), (ids[3], other), (ids[1], user) })
        {
            await database.Database.ExecuteSqlAsync($$"""
                INSERT INTO notifications (id, event_id, user_id, type, title, body, data, created_at)
                VALUES ({{id}}, {{Guid.CreateVersion7()}}, {{owner}}, 'points.awarded', 'Points', 'Points', '{}', now())
                """, Cancel);
        }

        await migrator.MigrateAsync(null, Cancel);

        var rows = await database.Notifications.Where(row => row.UserId == user).OrderBy(row => row.SortKey).ToListAsync(Cancel);
        rows.Select(row => (row.Id, row.SortKey, row.Position, row.Folder)).ShouldBe([.. Enumerable.Range(0, 3).Select(index => (ids[index], ids[index], index + 1L, "inbox"))]);
        var heads = await database.InboxHeads.ToDictionaryAsync(head => head.UserId, head => head.Position, Cancel);
        (heads[user], heads[other], heads.Count).ShouldBe((3L, 1L, 2));
        await database.Database.EnsureDeletedAsync(Cancel);
    }
}
