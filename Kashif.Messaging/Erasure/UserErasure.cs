using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.Idempotency;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Messaging.Erasure;

/// <summary>The id that replaces a deleted user's in data that is kept.</summary>
public static class ErasedUser
{
    /// <summary>The empty id, shared by all, so that records of one person cannot be linked.</summary>
    public static readonly Guid Id = Guid.Empty;
}

/// <summary>
/// Erases a deleted user in one service, and publishes the receipt, in one transaction. A later event for the same user erases
/// data that a valid access token created meanwhile; other events of the user are not handled any more.
/// </summary>
public abstract class UserErasure(DbContext database, ServiceIdentity service, TimeProvider time) : IEventHandler<UserDeleted>
{
    /// <summary>
    /// Locks all rows that a batch erases, in the order of the service's other transactions. Locks that are taken user by user could deadlock with them.
    /// </summary>
    protected virtual Task LockAsync(Guid[] userIds, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Deletes the user's data, and replaces the id by <see cref="ErasedUser"/> in data that is kept.</summary>
    protected abstract Task EraseAsync(Guid userId, CancellationToken cancellationToken);

    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserDeleted>> events, CancellationToken cancellationToken)
    {
        var last = events.LastOfEachUser(data => data.UserId).ToArray();
        var users = last.Select(received => received.Data.UserId).ToArray();
        await database.Database.ExecuteSqlAsync(
            $"INSERT INTO erased_users (user_id, erased_at) SELECT user_id, {time.GetUtcNow()} FROM unnest({users}) AS user_id ON CONFLICT DO NOTHING", cancellationToken);
        await LockAsync(users, cancellationToken);
        foreach (var received in last)
        {
            var userId = received.Data.UserId;
            await EraseAsync(userId, cancellationToken);
            await database.Set<IdempotencyRecord>().Where(record => record.UserId == userId).ExecuteDeleteAsync(cancellationToken);
            database.Publish(new UserDataErased(userId, service.Name), time.GetUtcNow(), received.Cause);
        }
    }

    public virtual Task CommittedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
