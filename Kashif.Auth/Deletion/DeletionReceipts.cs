using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Deletion;

/// <summary>Stores the confirmation of each service, and completes the deletion when all have confirmed the last sweep.</summary>
internal sealed class DeletionReceipts(AuthDbContext database, AuditLog audit, IOptions<AuthOptions> options, TimeProvider time) : IEventHandler<UserDataErased>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserDataErased>> events, CancellationToken cancellationToken)
    {
        foreach (var ofUser in events.GroupBy(received => received.Data.UserId).OrderBy(user => user.Key))
        {
            // The lock makes the second of two parallel receipts see the first.
            var found = await database.Deletions.FromSql($"SELECT * FROM account_deletions WHERE user_id = {ofUser.Key} FOR UPDATE").ToListAsync(cancellationToken);
            if (found is not [var deletion])
            {
                continue;
            }

            foreach (var received in ofUser.Where(received => ResourceNames.UserDataServices.Contains(received.Data.Service)))
            {
                await database.Database.ExecuteSqlAsync($"""
                    INSERT INTO deletion_receipts AS held (deletion_id, service, erased_at) VALUES ({deletion.Id}, {received.Data.Service}, {received.Time})
                    ON CONFLICT (deletion_id, service) DO UPDATE SET erased_at = greatest(held.erased_at, excluded.erased_at)
                    """, cancellationToken);
            }

            var last = AccountErasure.LastSweepAt(deletion.RequestedAt, options.Value);
            var confirmed = await database.DeletionReceipts.CountAsync(receipt => receipt.DeletionId == deletion.Id && receipt.ErasedAt >= last, cancellationToken);
            if (deletion.CompletedAt is null && confirmed == ResourceNames.UserDataServices.Count)
            {
                deletion.CompletedAt = time.GetUtcNow();
                audit.Record(deletion.UserId, AuditActions.DeletionCompleted);
            }
        }
    }
}
