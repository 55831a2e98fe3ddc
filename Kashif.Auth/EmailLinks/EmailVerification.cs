using Kashif.Auth.Audit;
using Kashif.Auth.Customers;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <summary>Redeems a link to verify an address: the present one, or a new one that replaces it.</summary>
internal sealed class EmailVerification(EmailTokens tokens, AuthDbContext database, SecurityNotices notices, AuditLog audit, TimeProvider time)
{
    /// <returns>Null if the address is verified.</returns>
    public async Task<Error?> UseAsync(string token, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.UseAsync(token, EmailTokenPurpose.VerifyEmail, cancellationToken) is not { } link)
        {
            return EmailProblems.InvalidToken;
        }

        var user = await database.Users.SingleAsync(user => user.Id == link.UserId, cancellationToken);
        if (link.Email == user.Email)
        {
            audit.Record(user.Id, AuditActions.EmailVerified);
        }
        else if (!await ChangeAddressAsync(user, link.Email, cancellationToken))
        {
            return EmailProblems.Taken;
        }

        user.EmailConfirmed = true;
        database.Publish(user.ToUpdated(), time.GetUtcNow());
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return EmailProblems.Taken; // a replica of an older version does not lock the address
        }

        await transaction.CommitAsync(cancellationToken);
        return null;
    }

    /// <returns>False if another account has the address. Only the owner of the mailbox learns that: the request for the change is answered alike.</returns>
    private async Task<bool> ChangeAddressAsync(User user, string email, CancellationToken cancellationToken)
    {
        var normalized = EmailAddress.Normalize(email);
        await database.LockEmailAsync(normalized, cancellationToken);
        if (await CustomerEmails.IsTakenAsync(database, normalized, except: user.Id, cancellationToken))
        {
            return false;
        }

        await notices.AddAsync(user.Id, SecurityChanges.EmailChanged, cancellationToken); // to the former address
        await tokens.InvalidateAllAsync(user.Id, cancellationToken);
        user.Email = email;
        user.NormalizedEmail = normalized;
        user.PendingEmail = null;
        audit.Record(user.Id, AuditActions.EmailChanged);
        return true;
    }
}
