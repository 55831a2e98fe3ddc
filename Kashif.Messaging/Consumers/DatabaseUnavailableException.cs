namespace Kashif.Messaging.Consumers;

/// <summary>There is no connection to the database: not the message's fault, however long it lasts.</summary>
internal sealed class DatabaseUnavailableException(Exception cause) : Exception("The database cannot be reached.", cause);
