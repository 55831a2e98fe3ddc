using Kashif.Messaging.Events;

namespace Kashif.Messaging.Consumers;

/// <summary>An event as it arrived.</summary>
/// <param name="Id">The CloudEvents id: the same at each delivery of the event.</param>
/// <param name="Time">When it happened, UTC.</param>
/// <param name="Cause">Trace and correlation id: pass it on with the events that this one causes.</param>
/// <param name="Data">The event.</param>
public sealed record ReceivedEvent<TEvent>(Guid Id, DateTimeOffset Time, EventCause Cause, TEvent Data)
    where TEvent : IIntegrationEvent;
