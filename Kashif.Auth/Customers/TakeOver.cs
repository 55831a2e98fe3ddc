using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Customers;

/// <summary>Redeems a link to take an account over: the customer becomes the user with the same id, so all that was filed in their name is theirs.</summary>
internal sealed class TakeOver(AuthDbContext database, Invitations invitations, PasswordHashing hashing, AuditLog audit, TimeProvider time)
{
    /// <returns>Null if the account is taken over.</returns>
    public async Task<Error?> UseAsync(string token, string password, CancellationToken cancellationToken)
    {
        // Checked here and again in the transaction: hashing is too slow for a transaction, and an invalid token must not cost a hash.
        if (await invitations.FindEmailAsync(token, cancellationToken) is not { } normalized)
        {
            return EmailProblems.InvalidToken;
        }

        var hash = await hashing.HashAsync(password, cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.LockEmailAsync(normalized, cancellationToken); // before the row, as everywhere
        if (await invitations.LockCustomerAsync(token, cancellationToken) is not { Email: { } email } customer)
        {
            return EmailProblems.InvalidToken;
        }

        if (await database.Users.AnyAsync(user => user.NormalizedEmail == normalized, cancellationToken))
        {
            return EmailProblems.Taken; // a replica of an older version knows no customers
        }

        await database.Customers.Where(row => row.Id == customer.Id).ExecuteDeleteAsync(cancellationToken);
        var now = time.GetUtcNow();
        var user = new User
        {
            Id = customer.Id,
            Email = email,
            NormalizedEmail = normalized,
            EmailConfirmed = true, // the link went there
            PasswordHash = hash,
            SecurityStamp = User.NewSecurityStamp(time),
            FullName = customer.FullName,
            PhoneNumber = customer.PhoneNumber,
            Roles = [Roles.Citizen],
            Language = customer.Language,
            CreatedAt = customer.CreatedAt,
        };
        database.Users.Add(user);
        audit.Record(user.Id, AuditActions.TakenOver, actorId: user.Id);

        // Only now do other services learn of the person. The second event is the later one: it turns the e-mail channel on.
        database.Publish(new UserRegistered(user.Id, user.FullName, email, user.Language), now);
        database.Publish(user.ToUpdated(), now.AddMicroseconds(1));
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return EmailProblems.Taken; // as above
        }

        await transaction.CommitAsync(cancellationToken);
        return null;
    }
}
