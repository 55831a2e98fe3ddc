namespace Kashif.Messaging.Events;

/// <summary>What an event passes on to the events that it causes.</summary>
/// <param name="TraceParent">The W3C trace context.</param>
/// <param name="CorrelationId">Of the first request.</param>
public sealed record EventCause(string? TraceParent, string? CorrelationId);
