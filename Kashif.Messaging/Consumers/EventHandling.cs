using Kashif.Messaging.Events;

namespace Kashif.Messaging.Consumers;

/// <summary>An event as it arrived.</summary>
/// <param name="Id">The CloudEvents id: the same at each delivery of the event.</param>
/// <param name="Time">When it happened, UTC.</param>
/// <param name="Cause">Trace and correlation id: pass it on with the events that this one causes.</param>
/// <param name="Data">The event.</param>
public sealed record ReceivedEvent<TEvent>(Guid Id, DateTimeOffset Time, EventCause Cause, TEvent Data)
    where TEvent : IIntegrationEvent;

/// <summary>
/// What a service does about an event. Handlers come from a scope of their own, work on that scope's DbContext inside a
/// transaction which the consumer opens and commits together with the inbox rows, and know nothing of the broker.
/// </summary>
public interface IEventHandler<TEvent>
    where TEvent : IIntegrationEvent
{
    /// <summary>
    /// Makes the changes that the events call for; the consumer saves them. Called with events that this handler has not
    /// handled before, in no order that can be relied on. When it throws, each event of the batch is tried alone, then
    /// again after growing delays, then is a dead letter.
    /// </summary>
    Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken);

    /// <summary>Called after the commit, for what must not happen before it (a cache, a push). A failure is logged, not retried.</summary>
    Task CommittedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
