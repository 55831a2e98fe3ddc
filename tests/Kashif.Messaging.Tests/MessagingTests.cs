using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.DeadLetters;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.RabbitMq;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Kashif.Messaging.Tests;

/// <summary>Events are delivered at least once, take effect exactly once, and are never lost. Alone, because some tests delete queues and bindings.</summary>
[Collection<Alone>]
public sealed class MessagingTests(MessagingServers servers) : IAsyncLifetime
{
    /// <summary>The tests share this service's queue, because tests of one class run one after another. Each begins with empty queues.</summary>
    private const string Consumer = ResourceNames.Gamification;
    private static readonly TimeSpan[] ShortRetries = [TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100)];

    public async ValueTask InitializeAsync()
    {
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        await tap.PurgeAsync(Consumer, Broker.DeadLetterQueue(Consumer));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_committed_event_is_published_with_trace_and_correlation_id()
    {
        await using var service = await SampleService.StartAsync(servers, ResourceNames.Reporting);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var user = Guid.CreateVersion7();
        using var client = service.As(user);
        client.DefaultRequestHeaders.Add("X-Correlation-Id", "order-66");
        client.DefaultRequestHeaders.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        using var response = await client.PostAsJsonAsync("/api/v1/notes", new { title = "published", latitude = 1 }, Cancel);

        var envelope = await tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("user_id").GetGuid() == user);
        envelope.GetProperty("specversion").GetString().ShouldBe("1.0");
        envelope.GetProperty("source").GetString().ShouldBe("/kashif/reporting");
        envelope.GetProperty("correlationid").GetString().ShouldBe("order-66");
        envelope.GetProperty("traceparent").GetString().ShouldNotBeNull().ShouldContain("0af7651916cd43dd8448eb211c80319c");
        envelope.GetProperty("subject").GetGuid().ShouldBe(envelope.GetProperty("data").GetProperty("report_id").GetGuid());
        await OutboxEmptiesAsync(service);
    }

    [Fact]
    public async Task An_unroutable_event_stays_in_the_outbox_until_its_binding_is_restored()
    {
        await using var service = await SampleService.StartAsync(servers, ResourceNames.Coupons);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        await PublishAsync(service, Guid.CreateVersion7());
        await OutboxEmptiesAsync(service); // the relay has opened its channel and declared the bindings
        await tap.UnbindAsync(ResourceNames.Auth, UserDataErased.Type);
        var user = Guid.CreateVersion7();

        await service.WithDbAsync(database =>
        {
            database.Publish(new UserDataErased(user, ResourceNames.Coupons), TimeProvider.System.GetUtcNow());
            return database.SaveChangesAsync(Cancel);
        });

        await Eventually.TrueAsync(
            async () => await tap.TakeAsync(ResourceNames.Auth) is { } envelope && envelope.GetProperty("data").TryGetProperty("user_id", out var id) && id.GetGuid() == user,
            "the event in the queue of Auth");
        await OutboxEmptiesAsync(service);
    }

    [Fact]
    public async Task A_returned_event_does_not_hold_up_the_others_of_its_batch()
    {
        await using var service = await SampleService.StartAsync(servers, ResourceNames.Coupons);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, ReportCreated.Type);
        await PublishAsync(service, Guid.CreateVersion7());
        await OutboxEmptiesAsync(service); // the relay has opened its channel and declared the bindings
        await tap.UnbindAsync(ResourceNames.Auth, UserDataErased.Type);
        var (user, report) = (Guid.CreateVersion7(), Guid.CreateVersion7());

        await service.WithDbAsync(database =>
        {
            database.Publish(new UserDataErased(user, ResourceNames.Coupons), TimeProvider.System.GetUtcNow());
            database.Publish(Report(report), TimeProvider.System.GetUtcNow());
            return database.SaveChangesAsync(Cancel);
        });

        await Eventually.TrueAsync(
            async () => await tap.TakeAsync(ResourceNames.Auth) is { } envelope && envelope.GetProperty("data").TryGetProperty("user_id", out var id) && id.GetGuid() == user,
            "the event in the queue of Auth");
        await OutboxEmptiesAsync(service);
        await tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == report);
        tap.Envelopes(ReportCreated.Type).Count(envelope => envelope.GetProperty("data").GetProperty("report_id").GetGuid() == report).ShouldBe(1);
        service.Logs.Lines.ShouldContain(line => line.Contains($"1 events of type {UserDataErased.Type} reach no queue"));
    }

    [Fact]
    public async Task A_queue_with_other_arguments_keeps_only_its_own_events_waiting()
    {
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, ReportCreated.Type);
        await tap.ReplaceAsync(ResourceNames.Auth);
        await using var service = await SampleService.StartAsync(servers, ResourceNames.Coupons);
        var (user, report) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var hourAgo = TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(1);
        try
        {
            await service.WithDbAsync(database =>
            {
                database.Publish(new UserDataErased(user, ResourceNames.Coupons), hourAgo);
                return database.SaveChangesAsync(Cancel);
            });
            await PublishAsync(service, report);

            await tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == report);
            (await OldestAgeAsync(service)).ShouldBeGreaterThanOrEqualTo(3600);
            (await service.WithDbAsync(database => database.Set<OutboxMessage>().Select(message => message.Type).Distinct().ToListAsync(Cancel)))
                .ShouldContain(UserDataErased.Type);
            service.Logs.Lines.Count(line => line.Contains($"The queue {ResourceNames.Auth} exists with other arguments")).ShouldBe(1);
            var messaging = await HealthAsync(service, ResourceNames.Messaging);
            messaging.GetProperty("status").GetString().ShouldBe("degraded");
            messaging.GetProperty("checks").EnumerateObject().Select(queue => queue.Name).ShouldBe([ResourceNames.Auth]);
        }
        finally
        {
            await tap.DeleteAsync(ResourceNames.Auth);
        }

        await OutboxEmptiesAsync(service);
        await Eventually.TrueAsync(
            async () => await tap.TakeAsync(ResourceNames.Auth) is { } envelope && envelope.GetProperty("data").TryGetProperty("user_id", out var id) && id.GetGuid() == user,
            "the event in the queue of Auth");
        await Eventually.TrueAsync(
            async () => (await HealthAsync(service, ResourceNames.Messaging)).GetProperty("status").GetString() == "healthy", "the healthy broker");
    }

    [Fact]
    public async Task A_missing_binding_of_a_type_that_another_service_consumes_too_is_restored()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, time: new ShortMinutes());
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        EventCatalog.Subscriptions[ResourceNames.Notifications].ShouldContain(ReportCreated.Type, "A queue is bound, so the broker returns nothing.");
        await ConsumesAsync(service);
        await tap.UnbindAsync(Consumer, ReportCreated.Type);

        var reports = new List<Guid>();
        await Eventually.TrueAsync(async () =>
        {
            reports.Add(Guid.CreateVersion7());
            await tap.PublishAsync(Report(reports[^1]));
            return await TimesCountedAsync(service, [.. reports]) > 0;
        }, "the binding");
    }

    [Fact]
    public async Task A_broker_that_confirms_nothing_does_not_keep_rows_locked()
    {
        await using var proxy = new PausableProxy(servers.Servers.Messaging);
        await using var service = await SampleService.StartAsync(
            servers, Consumer, consume: true, messaging: proxy.Address, configure: options => options.ConfirmTimeout = TimeSpan.FromSeconds(1));
        var (first, held) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await PublishAsync(service, first);
        await CountedAsync(service, [first]);
        await OutboxEmptiesAsync(service); // the confirm may arrive after the event

        proxy.Pause();
        await PublishAsync(service, held);

        await Eventually.TrueAsync(() => service.Logs.Lines.Any(line => line.Contains("The broker has not confirmed within")), "the timeout");
        await Eventually.TrueAsync(async () => await service.WithDbAsync(database => database.Database
            .SqlQuery<Guid>($"""SELECT id AS "Value" FROM outbox FOR UPDATE SKIP LOCKED""").ToListAsync(Cancel)) is { Count: > 0 }, "the row without a lock");

        proxy.Resume();
        await CountedAsync(service, [held]);
        await OutboxEmptiesAsync(service);
    }

    [Fact]
    public async Task A_rolled_back_event_is_not_published()
    {
        await using var service = await SampleService.StartAsync(servers, ResourceNames.Reporting);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var lost = Guid.CreateVersion7();
        var kept = Guid.CreateVersion7();

        await service.WithDbAsync(async database =>
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            database.Publish(Report(lost), TimeProvider.System.GetUtcNow());
            await database.SaveChangesAsync(Cancel);
            await transaction.RollbackAsync(Cancel);
            return 0;
        });
        await service.WithDbAsync(database =>
        {
            database.Publish(Report(kept), TimeProvider.System.GetUtcNow());
            return database.SaveChangesAsync(Cancel);
        });

        await tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == kept);
        tap.Envelopes(ReportCreated.Type).ShouldNotContain(envelope => envelope.GetProperty("data").GetProperty("report_id").GetGuid() == lost);
    }

    [Fact]
    public async Task Events_delivered_five_times_in_random_order_take_effect_once()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var reports = Enumerable.Range(0, 50).Select(_ => (Id: Guid.CreateVersion7(), Report: Guid.CreateVersion7())).ToArray();
        var deliveries = Enumerable.Repeat(reports, 5).SelectMany(all => all).ToArray();
        Random.Shared.Shuffle(deliveries);

        foreach (var (id, report) in deliveries)
        {
            await tap.PublishAsync(Report(report), id);
        }

        await CountedAsync(service, [.. reports.Select(report => report.Report)]);
        await QueueEmptiesAsync(service);
        (await TimesCountedAsync(service, [.. reports.Select(report => report.Report)])).ShouldBe(reports.Length);
    }

    [Fact]
    public async Task Two_replicas_publish_and_handle_each_event_once()
    {
        await using var one = await SampleService.StartAsync(servers, Consumer, consume: true);
        await using var two = await SampleService.StartAsync(servers, Consumer, consume: true, database: one.Database);
        var reports = Enumerable.Range(0, 300).Select(_ => Guid.CreateVersion7()).ToArray();

        await one.WithDbAsync(database =>
        {
            foreach (var report in reports)
            {
                database.Publish(Report(report), TimeProvider.System.GetUtcNow());
            }

            return database.SaveChangesAsync(Cancel);
        });

        await CountedAsync(one, reports);
        await OutboxEmptiesAsync(one);
        await QueueEmptiesAsync(one);
        (await TimesCountedAsync(one, reports)).ShouldBe(reports.Length);
    }

    [Fact]
    public async Task A_consumer_that_drains_ends_its_batch_and_leaves_the_other_messages_to_another_replica()
    {
        var drains = await SampleService.StartAsync(servers, Consumer, consume: true, configure: options => (options.ConsumerBatch, options.ConsumerConcurrency) = (1, 1));
        await using var reader = await SampleService.StartAsync(servers, Consumer, database: drains.Database);
        await QueueEmptiesAsync(drains); // of what other tests have left
        var entered = drains.Control.Entered;
        var gate = new TaskCompletionSource();
        drains.Control.Gate = gate.Task;
        var reports = Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var report in reports)
        {
            await PublishAsync(drains, report);
        }

        await OutboxEmptiesAsync(reader);
        await Eventually.TrueAsync(() => drains.Control.Entered > entered, "the first message");

        var stopping = drains.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var stopped = drains.DisposeAsync().AsTask();
        await Eventually.TrueAsync(() => stopping.IsCancellationRequested, "the beginning of the stop");
        gate.SetResult();
        await stopped;
        (await TimesCountedAsync(reader, reports)).ShouldBe(1);

        await using var another = await SampleService.StartAsync(servers, Consumer, consume: true, database: reader.Database);
        await CountedAsync(another, reports);
        (await TimesCountedAsync(another, reports)).ShouldBe(reports.Length);
    }

    [Fact]
    public async Task A_failing_message_is_retried_then_dead_lettered_and_can_be_replayed()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);
        var poison = Guid.CreateVersion7();
        var good = Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7()).ToArray();
        service.Control.Poison.Add(poison);

        await tap.PublishAsync(Report(poison));
        foreach (var report in good)
        {
            await tap.PublishAsync(Report(report));
        }

        await CountedAsync(service, good);
        var letters = await DeadLettersAsync(service, expected: 1);
        letters.ShouldContain("report.created");
        letters.ShouldContain("This report is poison.");

        service.Control.Poison.Clear();
        // After a listing, the letters are back in the queue a moment later.
        await Eventually.TrueAsync(
            async () => await service.Services.GetRequiredService<DeadLetterQueue>().ReplayAsync(new DeadLetterFilter(), null, null, Cancel) == (1, 0), "one replayed letter");

        await CountedAsync(service, [poison]);
        await DeadLettersAsync(service, expected: 0);
    }

    [Fact]
    public async Task A_command_that_always_times_out_makes_a_dead_letter()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries);
        var report = Guid.CreateVersion7();
        service.Control.Locked = report;
        await using var holder = new NpgsqlConnection(service.Database);
        await holder.OpenAsync(Cancel);
        await using (var hold = new NpgsqlCommand($"SELECT pg_advisory_lock({HandlerControl.Lock})", holder))
        {
            await hold.ExecuteNonQueryAsync(Cancel);
        }

        await PublishAsync(service, report);

        (await DeadLettersAsync(service, expected: 1)).ShouldContain("Timeout");
    }

    [Fact]
    public async Task An_event_that_only_a_newer_replica_handles_reaches_it()
    {
        var retries = Enumerable.Repeat(TimeSpan.FromMilliseconds(50), 20).ToArray();
        await using var older = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: retries);
        await using var newer = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: retries, newer: true, database: older.Database);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        var reports = Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7()).ToArray();
        await ConsumesAsync(older);
        await ConsumesAsync(newer); // otherwise the older one may use up the passes alone

        foreach (var report in reports)
        {
            await tap.PublishAsync(Change(report));
        }

        await CountedAsync(newer, reports);
        older.Logs.Lines.Count(line => line.Contains($"Events of type {ReportStatusUpdated.Type} have no handler")).ShouldBe(1);
        await DeadLettersAsync(older, expected: 0);
    }

    [Fact]
    public async Task An_event_that_a_stopped_newer_replica_wanted_is_a_dead_letter()
    {
        await using var older = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries);
        await using (await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries, newer: true, database: older.Database))
        {
            await Eventually.TrueAsync(async () => await SubscribedAsync(older, ReportStatusUpdated.Type), "the newer replica's subscription");
        }

        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        await tap.PublishAsync(Change(Guid.CreateVersion7()));

        (await DeadLettersAsync(older, expected: 1)).ShouldContain($"This version of the service has no handler for '{ReportStatusUpdated.Type}'.");
    }

    [Fact]
    public async Task Passing_an_event_on_uses_up_no_try()
    {
        TimeSpan[] delays = [TimeSpan.FromHours(1)];
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: delays);
        await using var channel = await service.Services.GetRequiredService<Broker>().OpenChannelAsync(Cancel);
        var failed = MessageHeaders.ForFailure(attempt: 1, new InvalidOperationException("A newer replica failed."), TimeProvider.System.GetUtcNow());

        await channel.BasicPublishAsync(exchange: "", Consumer, mandatory: true, failed, JsonSerializer.SerializeToUtf8Bytes(
            new { specversion = "1.0", id = Guid.CreateVersion7(), type = ReportStatusUpdated.Type, time = TimeProvider.System.GetUtcNow(), data = new { } }), Cancel);

        BasicGetResult? message = null;
        await Eventually.TrueAsync(
            async () => (message = await channel.BasicGetAsync(Broker.RetryQueue(Consumer, delays[0]), autoAck: true, Cancel)) is not null, "the message that waits");
        MessageHeaders.Attempt(message.ShouldNotBeNull().BasicProperties).ShouldBe(1);
        MessageHeaders.Passes(message.BasicProperties).ShouldBe(1);
        await DeadLettersAsync(service, expected: 0);
    }

    [Fact]
    public async Task An_event_that_no_replica_wants_is_dropped_in_the_end_and_its_binding_removed()
    {
        const string Unknown = "report.from_the_future";
        using var ignored = new MeasuredCounter("consumed_messages", "unknown", "ignored");
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        await tap.BindAsync(Consumer, Unknown);

        for (var count = 0; count < 3; count++)
        {
            await tap.PublishRawAsync(Unknown, JsonSerializer.SerializeToUtf8Bytes(
                new { specversion = "1.0", id = Guid.CreateVersion7(), type = Unknown, time = TimeProvider.System.GetUtcNow(), data = new { } }));
        }

        await Eventually.TrueAsync(() => ignored.Sum == 3, "three dropped events");
        await DeadLettersAsync(service, expected: 0);
        service.Logs.Lines.Count(line => line.Contains($"Events of type {Unknown} have no handler")).ShouldBe(1);
        await using var next = await SampleService.StartAsync(servers, Consumer, consume: true, database: service.Database);
        await Eventually.TrueAsync(async () => !await SubscribedAsync(service, Unknown), "the next replica's start");
        (await tap.IsBoundAsync(Unknown)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_subscription_that_another_replica_still_wants_stays_bound()
    {
        const string Former = "report.from_the_past";
        await using var older = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging, listensTo: null);
        await tap.BindAsync(Consumer, Former);
        await older.WithDbAsync(database => database.Database.ExecuteSqlAsync($"INSERT INTO subscriptions (event_type, wanted_at) VALUES ({Former}, now())", Cancel));

        await using (var newer = await SampleService.StartAsync(servers, Consumer, consume: true, database: older.Database))
        {
            await ConsumesAsync(newer);
            (await tap.IsBoundAsync(Former)).ShouldBeTrue();
        }

        await older.WithDbAsync(database => database.Database.ExecuteSqlAsync($"UPDATE subscriptions SET wanted_at = now() - interval '2 days' WHERE event_type = {Former}", Cancel));
        await using var newest = await SampleService.StartAsync(servers, Consumer, consume: true, database: older.Database);
        await ConsumesAsync(newest);
        (await tap.IsBoundAsync(Former)).ShouldBeFalse();
        await DeadLettersAsync(newest, expected: 1); // the empty message
    }

    [Fact]
    public async Task A_deleted_queue_is_declared_and_consumed_again()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true);
        await ConsumesAsync(service);

        // A queue of another kind in its place, so that the consumer cannot declare its own.
        await Eventually.TrueAsync(async () =>
        {
            await using var channel = await service.Services.GetRequiredService<Broker>().OpenChannelAsync(Cancel);
            await channel.QueueDeleteAsync(Consumer, ifUnused: false, ifEmpty: false, noWait: false, Cancel);
            try
            {
                await channel.QueueDeclareAsync(Consumer, durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel);
                return true;
            }
            catch (OperationInterruptedException)
            {
                return false; // the consumer was faster
            }
        }, "the other queue");
        await Eventually.TrueAsync(async () => await HealthAsync(service) == "degraded", "the degraded health");
        service.Logs.Lines.ShouldContain(line => line.Contains($"The queue {Consumer} was deleted"));

        await using (var channel = await service.Services.GetRequiredService<Broker>().OpenChannelAsync(Cancel))
        {
            await channel.QueueDeleteAsync(Consumer, ifUnused: false, ifEmpty: false, noWait: false, Cancel);
        }

        await Eventually.TrueAsync(async () => await HealthAsync(service) == "healthy", "the consumer");
        var report = Guid.CreateVersion7();
        await PublishAsync(service, report);
        await CountedAsync(service, [report]);
    }

    [Fact]
    public async Task An_unreadable_message_is_dead_lettered_at_once()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: ShortRetries);
        await using var tap = await EventTap.OpenAsync(servers.Servers.Messaging);

        await tap.PublishRawAsync(ReportCreated.Type, Encoding.UTF8.GetBytes("{not json"));
        await tap.PublishRawAsync(ReportCreated.Type, """{"id": "0190a0a0-0000-7000-8000-000000000000", "type": "report.created", "time": "2026-01-01T00:00:00Z", "data": {}}"""u8.ToArray());

        (await DeadLettersAsync(service, expected: 2)).ShouldContain("unreadable");
    }

    [Fact]
    public async Task A_message_survives_a_missing_retry_queue()
    {
        TimeSpan[] retries = [TimeSpan.FromMilliseconds(75)];
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true, retryDelays: retries);
        await using var channel = await service.Services.GetRequiredService<Broker>().OpenChannelAsync(Cancel);
        await channel.QueueDeleteAsync(Broker.RetryQueue(Consumer, retries[0]), ifUnused: false, ifEmpty: false, noWait: false, Cancel);
        var poison = Guid.CreateVersion7();
        service.Control.Poison.Add(poison);

        await PublishAsync(service, poison);

        // Does not list the dead letters: that would declare the missing queue.
        await Eventually.TrueAsync(async () => await channel.MessageCountAsync(Broker.DeadLetterQueue(Consumer), Cancel) == 1, "a dead letter");
    }

    [Fact]
    public async Task A_broker_restart_loses_no_event()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true);
        var before = Guid.CreateVersion7();
        await PublishAsync(service, before);
        await CountedAsync(service, [before]);

        await servers.Servers.Commands.ExecuteCommandAsync(ResourceNames.Messaging, KnownResourceCommands.StopCommand, Cancel);
        var during = Enumerable.Range(0, 50).Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var report in during)
        {
            await PublishAsync(service, report);
        }

        await servers.Servers.Commands.ExecuteCommandAsync(ResourceNames.Messaging, KnownResourceCommands.StartCommand, Cancel);

        await CountedAsync(service, during);
        (await TimesCountedAsync(service, [before, .. during])).ShouldBe(1 + during.Length);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_of_an_erased_user_take_no_effect_not_even_in_the_batch_of_the_deletion()
    {
        await using var service = await SampleService.StartAsync(servers, Consumer, consume: true);
        var processor = service.Services.GetRequiredService<EventProcessor<SampleDbContext>>();
        var (user, earlier, later, other) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());

        await processor.ProcessAsync([Of(Report(earlier) with { UserId = user }), Of(new UserDeleted(user)), Of(Report(other))], Cancel);
        await processor.ProcessAsync([Of(Report(later) with { UserId = user })], Cancel);

        // The queue may hold reports of other tests.
        (await service.WithDbAsync(database => database.Counted.Where(counted => new[] { earlier, later, other }.Contains(counted.ReportId))
            .Select(counted => counted.ReportId).ToListAsync(Cancel))).ShouldBe([other]);

        static Delivery Of<TEvent>(TEvent data)
            where TEvent : IIntegrationEvent =>
            new(0, default, 0, new CloudEvent(Guid.CreateVersion7(), TEvent.Type, TimeProvider.System.GetUtcNow(), default), data);
    }

    private static ReportCreated Report(Guid report) => new(report, Guid.CreateVersion7(), "A title", "pothole", 1, 2);

    private static ReportStatusUpdated Change(Guid report) => new(report, Guid.CreateVersion7(), "A title", "submitted", "verified", null, Guid.CreateVersion7(), 2);

    private static Task ConsumesAsync(SampleService service) =>
        Eventually.TrueAsync(() => service.Services.GetRequiredService<ConsumerHealth>().Consumes, "the consumer");

    private static Task<bool> SubscribedAsync(SampleService service, string type) =>
        service.WithDbAsync(database => database.Set<Subscription>().AnyAsync(subscription => subscription.EventType == type, Cancel));

    private static async Task<string?> HealthAsync(SampleService service) =>
        (await HealthAsync(service, ConsumerHealth.Name)).GetProperty("status").GetString();

    private static async Task<JsonElement> HealthAsync(SampleService service, string check)
    {
        using var client = service.Anonymous();
        using var response = await client.GetAsync("/health", Cancel); // 503 if a check takes too long
        var health = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        return health.GetProperty("checks").GetProperty(check);
    }

    private static async Task<double> OldestAgeAsync(SampleService service)
    {
        using var client = service.Anonymous();
        var line = (await client.GetStringAsync("/metrics", Cancel)).Split('\n').Single(line => line.StartsWith("outbox_oldest_age_seconds{", StringComparison.Ordinal));
        return double.Parse(line.Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private static Task PublishAsync(SampleService service, Guid report) => service.WithDbAsync(database =>
    {
        database.Publish(Report(report), TimeProvider.System.GetUtcNow());
        return database.SaveChangesAsync(Cancel);
    });

    private static Task CountedAsync(SampleService service, Guid[] reports) => Eventually.TrueAsync(
        async () => await service.WithDbAsync(database => database.Counted
            .Where(counted => reports.Contains(counted.ReportId)).Select(counted => counted.ReportId).Distinct().CountAsync(Cancel)) == reports.Length,
        $"{reports.Length} reports to be counted");

    private static Task<int> TimesCountedAsync(SampleService service, Guid[] reports) =>
        service.WithDbAsync(database => database.Counted.CountAsync(counted => reports.Contains(counted.ReportId), Cancel));

    private static Task OutboxEmptiesAsync(SampleService service) => Eventually.TrueAsync(
        async () => !await service.WithDbAsync(database => database.Set<OutboxMessage>().AnyAsync(Cancel)), "an empty outbox");

    /// <summary>Waits until all earlier messages have been handled.</summary>
    private static async Task QueueEmptiesAsync(SampleService service)
    {
        var last = Guid.CreateVersion7();
        await PublishAsync(service, last);
        await CountedAsync(service, [last]);
    }

    private static async Task<string> DeadLettersAsync(SampleService service, int expected)
    {
        var letters = "";
        await Eventually.TrueAsync(async () =>
        {
            var found = await service.Services.GetRequiredService<DeadLetterQueue>().ListAsync(new DeadLetterFilter(), Cancel);
            letters = string.Join('\n', found.Select(letter => $"{letter.Type} {letter.Reason}"));
            return found.Count == expected;
        }, $"{expected} dead letters");
        return letters;
    }
}

/// <summary>A clock on which the consumer's minute between two renewals takes a moment.</summary>
internal sealed class ShortMinutes : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var moment = TimeSpan.FromMilliseconds(50);
        return dueTime == Subscriptions<SampleDbContext>.Renewal ? base.CreateTimer(callback, state, moment, moment) : base.CreateTimer(callback, state, dueTime, period);
    }
}
