using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.Idempotency;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Messaging.Erasure;

/// <summary>What stands where a deleted person stood, in what is kept without them.</summary>
public static class ErasedUser
{
    /// <summary>Nobody's id: one for all, so that nothing says that two things were of the same person.</summary>
    public static readonly Guid Id = Guid.Empty;
}

/// <summary>
/// Erases a deleted person in one service, and publishes its receipt, in one transaction. It may come again for the same
/// person, and finds what was made meanwhile.
/// </summary>
public abstract class UserErasure(DbContext database, ServiceIdentity service, TimeProvider time) : IEventHandler<UserDeleted>
{
    /// <summary>Deletes what is the person's, and puts <see cref="ErasedUser"/> where their id stands in what is kept.</summary>
    protected abstract Task EraseAsync(Guid userId, CancellationToken cancellationToken);

    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserDeleted>> events, CancellationToken cancellationToken)
    {
        // In one order, so that two batches wait for each other instead of locking each other out.
        foreach (var received in events.GroupBy(received => received.Data.UserId).OrderBy(user => user.Key)
            .Select(user => user.MaxBy(received => received.Time)).OfType<ReceivedEvent<UserDeleted>>())
        {
            var userId = received.Data.UserId;
            await EraseAsync(userId, cancellationToken);
            await database.Set<IdempotencyRecord>().Where(record => record.UserId == userId).ExecuteDeleteAsync(cancellationToken);
            database.Publish(new UserDataErased(userId, service.Name), time.GetUtcNow(), received.Cause);
        }
    }

    public virtual Task CommittedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
