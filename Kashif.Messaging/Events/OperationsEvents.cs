namespace Kashif.Messaging.Events;

/// <summary>Dead letters of a service were put back into its queue; for the audit log.</summary>
/// <param name="Service">Of <see cref="ResourceNames"/>.</param>
/// <param name="ActorId">The admin; null for an operator at the command line.</param>
/// <param name="Count">How many.</param>
/// <param name="EventType">The filter by type, if there was one.</param>
/// <param name="Exception">The filter by exception, if there was one.</param>
/// <param name="EventId">Of the only event, if it was one.</param>
/// <param name="Edited">Whether the event was changed.</param>
public sealed record DeadLettersReplayed(
    string Service, Guid? ActorId, int Count, string? EventType, string? Exception, Guid? EventId, bool Edited) : IIntegrationEvent
{
    public static string Type => "dead_letters.replayed";
    string IIntegrationEvent.Subject => Service;
}
