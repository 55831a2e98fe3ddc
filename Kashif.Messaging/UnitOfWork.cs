using Kashif.Messaging.Idempotency;
using Kashif.Messaging.Outbox;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Messaging;

/// <summary>
/// A command's one transaction: its changes, its events and the answer for its <c>Idempotency-Key</c> are committed together or
/// not at all, and the relay is woken after the commit.
/// <code>
/// await using var transaction = await work.BeginAsync(cancellationToken);   // only if more than SaveChanges writes
/// …                                                                         // changes, database.Publish(event)
/// return await work.CommitAsync(TypedResults.Created(…), cancellationToken);
/// </code>
/// If the handler of an endpoint with <c>WithIdempotency</c> returns 2xx without <c>CommitAsync</c>, the request fails, even without a key.
/// </summary>
public sealed class UnitOfWork
{
    private readonly DbContext _database;
    private readonly IdempotencyKey _key;
    private readonly OutboxSignal _outbox;

    internal UnitOfWork(DbContext database, IdempotencyKey key, OutboxSignal outbox) => (_database, _key, _outbox) = (database, key, outbox);

    internal bool IsCommitted { get; private set; }

    /// <summary>Begins the transaction. Disposing the result before <see cref="CommitAsync{TResult}"/> rolls it back.</summary>
    public async Task<IAsyncDisposable> BeginAsync(CancellationToken cancellationToken)
    {
        IsCommitted = false;
        return await _database.Database.BeginTransactionAsync(cancellationToken);
    }

    /// <summary>For a command that is one SQL statement: begins a transaction only if an answer is stored too.</summary>
    public async Task<IAsyncDisposable?> BeginStatementAsync(CancellationToken cancellationToken) =>
        _key.IsClaimed ? await BeginAsync(cancellationToken) : null;

    /// <summary>Saves the tracked changes, stores the answer, commits, and wakes the relay. A command with several steps calls this for each step.</summary>
    /// <param name="answer">What the client gets now, and at each replay of the key.</param>
    /// <returns><paramref name="answer"/>, for the handler to return.</returns>
    /// <exception cref="IdempotencyLostException">Another attempt has taken the key over; nothing was committed.</exception>
    public async Task<TResult> CommitAsync<TResult>(TResult answer, CancellationToken cancellationToken)
        where TResult : IResult
    {
        await using var own = _key.IsClaimed && _database.Database.CurrentTransaction is null ? await BeginAsync(cancellationToken) : null;
        await _database.SaveChangesAsync(cancellationToken);
        await _key.StoreAsync(answer, cancellationToken);
        if (_database.Database.CurrentTransaction is { } transaction)
        {
            await transaction.CommitAsync(cancellationToken);
        }

        _outbox.Set();
        IsCommitted = true;
        return answer;
    }
}
