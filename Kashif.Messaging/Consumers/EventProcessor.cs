using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.Messaging.Consumers;

/// <summary>Handles a batch of messages in one transaction: inbox rows, the handlers' effects and the events that these publish.</summary>
internal sealed partial class EventProcessor<TContext>(
    IServiceScopeFactory scopes,
    IEnumerable<HandlerRegistration> registrations,
    MessagingMetrics metrics,
    TimeProvider time,
    ILogger<EventProcessor<TContext>> logger)
    where TContext : DbContext
{
    private readonly ILookup<string, HandlerRegistration> _handlers = registrations.ToLookup(registration => registration.EventType);

    public async Task ProcessAsync(IReadOnlyList<Delivery> batch, CancellationToken cancellationToken)
    {
        var (span, traced) = BatchSpan.Start(batch);
        using (span)
        {
            try
            {
                await HandleAsync(traced, cancellationToken);
            }
            catch (Exception exception)
            {
                span.Fail(exception);
                throw;
            }
        }
    }

    private async Task HandleAsync(IReadOnlyList<Delivery> batch, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        await ConnectAsync(context, cancellationToken);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);

        var committed = new List<Func<CancellationToken, Task>>();
        var handled = new List<Delivery>();
        foreach (var (handler, news) in await EnterInboxAsync(context, batch, cancellationToken))
        {
            committed.Add(await handler.HandleAsync(scope.ServiceProvider, news, cancellationToken));
            handled.AddRange(news);
        }

        foreach (var step in scope.ServiceProvider.GetServices<IBatchStep>())
        {
            await step.CompleteAsync(cancellationToken);
            committed.Add(step.CommittedAsync);
        }

        await context.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);

        foreach (var delivery in handled)
        {
            metrics.Handled(delivery.Event.Type, delivery.Event.Time);
        }

        foreach (var callback in committed)
        {
            await NotifyAsync(callback, cancellationToken);
        }
    }

    /// <summary>
    /// Enters the whole batch before any handler runs, in one order everywhere: two batches that share events wait for each
    /// other here, holding no other lock, instead of deadlocking.
    /// </summary>
    /// <returns>The deliveries that are new to each handler, without those of erased users, also users whose deletion is in this batch.</returns>
    private async Task<List<(HandlerRegistration Handler, List<Delivery> News)>> EnterInboxAsync(
        TContext context, IReadOnlyList<Delivery> batch, CancellationToken cancellationToken)
    {
        // The same event twice in one batch counts once.
        var entries = (
            from delivery in batch.DistinctBy(delivery => delivery.Event.Id)
            from handler in _handlers[delivery.Event.Type]
            orderby handler.Name, delivery.Event.Id
            select (Handler: handler, Delivery: delivery)).ToList();
        var ids = entries.ConvertAll(entry => entry.Delivery.Event.Id).ToArray();
        var names = entries.ConvertAll(entry => entry.Handler.Name).ToArray();
        var users = entries.ConvertAll(entry => (entry.Delivery.Data as IUserEvent)?.UserId ?? Guid.Empty).ToArray();
        var deleted = entries.Select(entry => entry.Delivery.Data).OfType<UserDeleted>().Select(data => data.UserId).ToArray();
        var news = await context.Database
            .SqlQuery<InboxKey>($"""
                WITH entry AS (
                    SELECT * FROM unnest({ids}, {names}, {users}) AS entry (event_id, handler, user_id)
                ), entered AS (
                    INSERT INTO inbox (event_id, handler, processed_at) SELECT event_id, handler, {time.GetUtcNow()} FROM entry
                    ON CONFLICT DO NOTHING
                    RETURNING event_id, handler
                )
                SELECT event_id, handler FROM entered JOIN entry USING (event_id, handler)
                WHERE user_id <> ALL({deleted}) AND NOT EXISTS (SELECT FROM erased_users WHERE erased_users.user_id = entry.user_id)
                """)
            .ToListAsync(cancellationToken);
        var isNew = news.ToHashSet();
        return
        [
            .. entries
                .Where(entry => isNew.Contains(new InboxKey(entry.Delivery.Event.Id, entry.Handler.Name)))
                .GroupBy(entry => entry.Handler, entry => entry.Delivery)
                .Select(handler => (handler.Key, handler.ToList())),
        ];
    }

    private static async Task ConnectAsync(TContext context, CancellationToken cancellationToken)
    {
        try
        {
            await context.Database.OpenConnectionAsync(cancellationToken);
        }
        catch (Exception exception) when (TransientFailure.Is(exception))
        {
            throw new DatabaseUnavailableException(exception);
        }
    }

    private sealed record InboxKey(Guid EventId, string Handler);

    private async Task NotifyAsync(Func<CancellationToken, Task> committed, CancellationToken cancellationToken)
    {
        try
        {
            await committed(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            AfterCommitFailed(logger, exception);
        }
    }

    [LoggerMessage(EventId = 1206, Level = LogLevel.Warning, Message = "A callback after the commit failed; the commit stands")]
    private static partial void AfterCommitFailed(ILogger logger, Exception exception);
}
