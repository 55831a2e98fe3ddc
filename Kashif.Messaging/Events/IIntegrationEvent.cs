namespace Kashif.Messaging.Events;

/// <summary>
/// What one service tells the others about itself. The record is the CloudEvents <c>data</c>; it only grows: a property may be
/// added, never renamed or removed.
/// </summary>
public interface IIntegrationEvent
{
    /// <summary>The wire name: the CloudEvents <c>type</c> and the routing key, never derived from a CLR name.</summary>
    static abstract string Type { get; }

    /// <summary>The CloudEvents <c>subject</c>: the id of the thing that the event is about.</summary>
    string Subject { get; }
}

/// <summary>An event with data of one user. A service that has erased the user does not handle it, so it brings no data back.</summary>
public interface IUserEvent : IIntegrationEvent
{
    Guid UserId { get; }
}
