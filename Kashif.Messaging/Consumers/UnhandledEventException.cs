namespace Kashif.Messaging.Consumers;

/// <summary>This version of the service has no handler for the event: the reason in a message's headers.</summary>
internal sealed class UnhandledEventException(string type) : Exception($"This version of the service has no handler for '{type}'.");
