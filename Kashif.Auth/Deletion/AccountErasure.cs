using Kashif.Auth.Users;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Deletion;

/// <summary>The first step of a deletion: erases Auth's own data and publishes <c>user.deleted</c>, in one transaction.</summary>
internal sealed class AccountErasure(AuthDbContext database, AuditLog audit, IOptions<AuthOptions> options, TimeProvider time)
{
    private static readonly Error LastAdmin = Error.Rule("last_admin", "You are the only admin. Give another user the admin role first.");

    /// <returns>The deletion, begun now or by a parallel request, or the error.</returns>
    public async Task<(AccountDeletion? Begun, Error? Error)> BeginAsync(Guid userId, CancellationToken cancellationToken)
    {
        // The same lock as where admins are changed: of two last admins who leave at the same time one stays.
        await using var transaction = await database.BeginExclusiveAsync(AdvisoryLock.Admins, cancellationToken);
        var admins = await database.Users.Where(user => user.Roles.Contains(Roles.Admin) && user.DisabledAt == null)
            .Select(user => user.Id).Take(2).ToListAsync(cancellationToken);
        if (admins is [var only] && only == userId)
        {
            return (null, LastAdmin);
        }

        // Sessions, tokens, API keys and codes go by cascade.
        var deleted = await database.Database.SqlQuery<DateTimeOffset>($"""
            DELETE FROM users WHERE id = {userId} RETURNING created_at AS "Value"
            """).ToListAsync(cancellationToken);
        if (deleted is not [var registeredAt])
        {
            return await database.Deletions.AsNoTracking().SingleOrDefaultAsync(deletion => deletion.UserId == userId, cancellationToken) is { } first
                ? (first, null)
                : (null, AccountProblems.Gone);
        }

        var begun = await EraseAsync(userId, registeredAt, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (begun, null);
    }

    /// <summary>Begins the deletion of an account whose row is deleted in the caller's transaction, which the caller commits.</summary>
    public async Task<AccountDeletion> EraseAsync(Guid userId, DateTimeOffset registeredAt, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var deletion = new AccountDeletion
        {
            Id = Guid.CreateVersion7(now),
            UserId = userId,
            RequestedAt = now,
            NextSweepAt = LastSweepAt(now, options.Value),
        };
        database.Deletions.Add(deletion);
        audit.Record(userId, AuditActions.DeletionRequested);
        await ForgetMessagesAsync(userId, registeredAt, cancellationToken);
        database.Publish(new UserDeleted(userId), now);
        await database.SaveChangesAsync(cancellationToken);
        await database.AuditLog.Where(entry => entry.UserId == userId || entry.ActorId == userId).ExecuteUpdateAsync(
            set => set.SetProperty(entry => entry.IpAddress, (string?)null).SetProperty(entry => entry.UserAgent, (string?)null), cancellationToken);
        return deletion;
    }

    /// <summary>The time from which no new data of the user can appear: the last access token has expired and its events are handled.</summary>
    public static DateTimeOffset LastSweepAt(DateTimeOffset requestedAt, AuthOptions options) =>
        requestedAt + options.AccessTokenLifetime + options.Deletion.Grace;

    /// <summary>Deletes unpublished events about users. Skips the rows that the relay is publishing, because it may be waiting for the broker.</summary>
    public static Task ForgetEventsAsync(AuthDbContext database, string[] userIds, CancellationToken cancellationToken) => database.Database.ExecuteSqlAsync(
        $"DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox WHERE subject = ANY ({userIds}) FOR UPDATE SKIP LOCKED))", cancellationToken);

    /// <summary>Deletes unpublished events about the user and stored answers of idempotent requests.</summary>
    private async Task ForgetMessagesAsync(Guid userId, DateTimeOffset registeredAt, CancellationToken cancellationToken)
    {
        var id = userId.ToString();
        await ForgetEventsAsync(database, [id], cancellationToken);

        // The answer of the registration is stored without a user id, that of a customer's account with the employee's, so it is found by its body. Its key
        // was claimed before the account was created, and most accounts are older than all keys.
        var claimedBefore = registeredAt.AddMinutes(1);
        await database.Database.ExecuteSqlAsync($"""
            DELETE FROM idempotency_keys
            WHERE user_id = {userId} OR (created_at < {claimedBefore} AND position(convert_to({id}, 'UTF8') IN body) > 0)
            """, cancellationToken);
    }
}

/// <summary>An erasure finds a user's unpublished events by it.</summary>
internal sealed class OutboxSubjectIndex : IEntityTypeConfiguration<OutboxMessage>
{
    public void Configure(EntityTypeBuilder<OutboxMessage> builder) => builder.HasIndex(message => message.Subject);
}
