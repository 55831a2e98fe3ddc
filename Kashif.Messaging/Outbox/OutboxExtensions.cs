using System.Diagnostics;
using System.Text.Json;
using Kashif.Http;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Messaging.Outbox;

/// <summary>How a service says that something has happened.</summary>
public static class OutboxExtensions
{
    /// <summary>
    /// Adds an event to what the next <c>SaveChanges</c> writes. Nothing is published before that commits; the relay
    /// publishes it afterwards, at least once.
    /// </summary>
    /// <typeparam name="TEvent">An event of <see cref="EventCatalog"/>.</typeparam>
    /// <param name="context">The context that also holds the change which the event reports.</param>
    /// <param name="integrationEvent">The event.</param>
    /// <param name="occurredAt">When it happened.</param>
    /// <param name="cause">The event that caused this one, where it is not a request (in a batch of events, each has its own trace).</param>
    public static void Publish<TEvent>(this DbContext context, TEvent integrationEvent, DateTimeOffset occurredAt, EventCause? cause = null)
        where TEvent : IIntegrationEvent =>
        context.Set<OutboxMessage>().Add(ToOutboxMessage(integrationEvent, occurredAt, cause));

    /// <summary>
    /// The outbox row of an event, for a statement that writes it together with the change. Commit through
    /// <see cref="UnitOfWork"/>, which wakes the relay.
    /// </summary>
    /// <inheritdoc cref="Publish{TEvent}" path="/param"/>
    public static OutboxMessage ToOutboxMessage<TEvent>(this TEvent integrationEvent, DateTimeOffset occurredAt, EventCause? cause = null)
        where TEvent : IIntegrationEvent =>
        new()
        {
            Id = TimeOrderedId.Create(occurredAt),
            Type = TEvent.Type,
            Subject = integrationEvent.Subject,
            TraceParent = cause?.TraceParent ?? Activity.Current?.Id,
            CorrelationId = cause?.CorrelationId ?? CorrelationId.Current,
            Payload = JsonSerializer.Serialize(integrationEvent, EventCatalog.Types[TEvent.Type]),
            OccurredAt = occurredAt,
        };
}
