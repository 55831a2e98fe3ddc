using Kashif.Messaging.Events;
using Kashif.Notifications.Inbox;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Kashif.Notifications.Tests;

/// <summary>The live stream where replicas, connections and tokens end.</summary>
public sealed class StreamReplicaTests(NotificationsServers servers)
{
    private readonly Guid _user = Guid.CreateVersion7();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Two replicas on one database, each of which serves a while and dies, while notifications arrive.</summary>
    [Fact]
    public async Task Each_notification_arrives_once_when_replicas_die()
    {
        const int rounds = 4, perRound = 60;
        var database = new NpgsqlConnectionStringBuilder(servers.Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;
        await using var publisher = await EventTap.OpenAsync(servers.Servers.Messaging);
        var sent = new List<Guid>();
        var received = new List<Guid>();
        string? last = null;
        await using var writer = await NotificationsService.StartAsync(servers, database: database);
        for (var round = 0; round < rounds; round++)
        {
            var replica = await NotificationsService.StartAsync(servers, database: database);
            await using var stream = await InboxStreamClient.OpenAsync(replica.As(_user), last ?? "0");
            for (var count = 0; count < perRound; count++)
            {
                var transaction = Guid.CreateVersion7();
                sent.Add(transaction);

                // Times in no order: the ids are in another order than the commits.
                await publisher.PublishAsync(
                    new PointsAwarded(transaction, _user, 1, 1, "x"), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow().AddSeconds(Random.Shared.Next(-60, 60)));
                if (count == perRound / 2)
                {
                    await stream.WaitForAsync(1);
                }
            }

            if (round < rounds - 1)
            {
                // In the middle of the burst: the replica stops, or the connection breaks and then the replica.
                await (round % 2 == 0 ? replica.DisposeAsync() : stream.DisposeAsync());
                await stream.Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                await replica.DisposeAsync();
                Take();
            }
            else
            {
                await Eventually.TrueAsync(() => received.Count + stream.Notifications.Count >= sent.Count, "all notifications");
                Take();
                await replica.DisposeAsync();
            }

            void Take()
            {
                last = stream.LastId ?? last;
                received.AddRange(stream.Notifications.Select(item => item.GetProperty("data").GetProperty("transaction_id").GetGuid()));
            }
        }

        received.Count.ShouldBe(sent.Count);
        received.ShouldBe(sent, ignoreOrder: true);
    }

    [Fact]
    public async Task A_stream_has_heartbeats_and_ends_with_its_token()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var service = await StartWithAsync(time);
        using var client = service.As(_user);
        using var response = await client.GetAsync("/api/v1/notifications/stream", HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
        string[] start = [.. await LinesAsync(6)];
        start[0].ShouldStartWith("retry: ");
        start[2..5].ShouldBe(["id: 0", "event: unread", """data: {"unread_count":0}"""]);

        (await AfterAsync(TimeSpan.FromSeconds(15))).ShouldBe(": ");
        await LinesAsync(1);

        // The token is valid for 15 minutes.
        var ended = reader.ReadToEndAsync(Cancel);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return ended.IsCompleted;
            },
            "the end of the stream");

        async Task<List<string>> LinesAsync(int count)
        {
            var lines = new List<string>();
            while (lines.Count < count)
            {
                lines.Add(await reader.ReadLineAsync(Cancel) ?? throw new InvalidOperationException("The stream ended."));
            }

            return lines;
        }

        // The server may not wait yet when the client has read the last line.
        async Task<string> AfterAsync(TimeSpan duration)
        {
            var line = LinesAsync(1);
            var polls = 0;
            await Eventually.TrueAsync(
                () =>
                {
                    if (!line.IsCompleted && polls++ % 20 == 0) // slowly, because the token ends on this clock too
                    {
                        time.Advance(duration);
                    }

                    return line.IsCompleted;
                },
                "a line");
            return (await line)[0];
        }
    }

    /// <summary>The clock of the streams stands still, so that no heartbeat finds the notification.</summary>
    [Fact]
    public async Task A_lost_listening_connection_is_opened_again_and_loses_nothing()
    {
        await using var service = await StartWithAsync(new FakeTimeProvider(TimeProvider.System.GetUtcNow()), TimeProvider.System);
        await using var stream = await InboxStreamClient.OpenAsync(service.As(_user));
        await using var database = NpgsqlDataSource.Create(service.Database);
        await using var kill = database.CreateCommand("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'");
        await Eventually.TrueAsync(async () => await kill.ExecuteScalarAsync(Cancel) is 1L, "the listener");

        await service.NotifyAsync(_user);

        await Eventually.TrueAsync(() => stream.Notifications.Count == 1, "the notification");
    }

    /// <summary>A service whose streams have this clock, and whose listener may have another.</summary>
    private Task<NotificationsService> StartWithAsync(TimeProvider time, TimeProvider? listener = null) => NotificationsService.StartAsync(servers, configure: services => services
        .AddSingleton(provider => ActivatorUtilities.CreateInstance<InboxStreams>(provider, time))
        .AddSingleton(provider => ActivatorUtilities.CreateInstance<InboxWakeUps>(provider, listener ?? time)));
}
