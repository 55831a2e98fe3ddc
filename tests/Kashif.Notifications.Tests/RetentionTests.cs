using Kashif.Notifications.Delivery;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Notifications.Tests;

public sealed class RetentionTests(NotificationsServers servers)
{
    [Fact]
    public async Task Ended_deliveries_are_deleted_after_thirty_days()
    {
        await using var service = await NotificationsService.StartAsync(servers);
        await using var database = NpgsqlDataSource.Create(service.Database);
        await using (var insert = database.CreateCommand("""
            INSERT INTO deliveries (channel, state, attempts, next_attempt_at)
            SELECT 'none', state, 1, now() - days * interval '1 day' FROM unnest(ARRAY['sent', 'delivered', 'failed', 'dead', 'queued']) AS state, unnest(ARRAY[29, 31]) AS days
            """))
        {
            await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await service.Services.GetServices<IHostedService>().OfType<DeliveryCleanup>().Single().RunOnceAsync(TestContext.Current.CancellationToken);

        await using var read = database.CreateCommand(
            "SELECT array_agg(state || ' ' || round(extract(epoch FROM now() - next_attempt_at) / 86400)::int ORDER BY state, next_attempt_at) FROM deliveries WHERE channel = 'none'");
        ((string[]?)await read.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(["dead 29", "delivered 29", "failed 31", "failed 29", "queued 31", "queued 29", "sent 29"]);
    }

    [Fact]
    public async Task The_clean_up_of_deliveries_has_an_index()
    {
        await using var service = await NotificationsService.StartAsync(servers);
        await using var scope = service.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        await database.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await database.Database.ExecuteSqlAsync($"SET enable_seqscan = off", TestContext.Current.CancellationToken);
        await using var explain = database.Deliveries.Where(DeliveryCleanup.EndedBefore(DateTimeOffset.UnixEpoch)).CreateDbCommand();
        explain.CommandText = $"EXPLAIN {explain.CommandText}";
        var plan = new List<string>();
        await using (var reader = await explain.ExecuteReaderAsync(TestContext.Current.CancellationToken))
        {
            while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            {
                plan.Add(reader.GetString(0));
            }
        }

        await database.Database.ExecuteSqlAsync($"RESET enable_seqscan", TestContext.Current.CancellationToken);
        plan.ShouldContain(line => line.Contains("ix_deliveries_next_attempt_at", StringComparison.Ordinal));
    }
}
