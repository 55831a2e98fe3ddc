using Kashif.Messaging.Events;

namespace Kashif.Messaging.Consumers;

/// <summary>An event as it arrived.</summary>
/// <param name="Id">The CloudEvents id: the same at each delivery of the event.</param>
/// <param name="Time">When it happened, UTC.</param>
/// <param name="Cause">Trace and correlation id: pass it on with the events that this one causes.</param>
/// <param name="Data">The event.</param>
public sealed record ReceivedEvent<TEvent>(Guid Id, DateTimeOffset Time, EventCause Cause, TEvent Data)
    where TEvent : IIntegrationEvent;

/// <summary>Chooses among the events of a batch.</summary>
public static class ReceivedEvents
{
    /// <returns>The last event of each user, in the order of the users' ids, so that two batches wait for each other instead of deadlocking.</returns>
    public static IEnumerable<ReceivedEvent<TEvent>> LastOfEachUser<TEvent>(this IEnumerable<ReceivedEvent<TEvent>> events, Func<TEvent, Guid> userOf)
        where TEvent : IIntegrationEvent =>
        events.OrderByDescending(received => received.Time).GroupBy(received => userOf(received.Data)).OrderBy(user => user.Key).Select(user => user.First());
}
