using Kashif.Messaging.Events;

namespace Kashif.Messaging.Consumers;

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
