namespace Kashif.Messaging.Consumers;

/// <summary>
/// What the handlers of a batch do together, such as writing what each has collected: in one statement, and locking rows in one order. A scoped
/// service.
/// </summary>
public interface IBatchStep
{
    /// <summary>Called after all handlers of the batch, in their transaction, before it is saved and committed.</summary>
    Task CompleteAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc cref="IEventHandler{TEvent}.CommittedAsync"/>
    Task CommittedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
