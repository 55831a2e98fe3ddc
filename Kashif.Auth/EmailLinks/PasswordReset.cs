using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <summary>Redeems a link to reset a password.</summary>
internal sealed class PasswordReset(
    EmailTokens tokens, PasswordHashing hashing, SessionTokens sessions, ApiKeyRevocation keys, SecondFactor factor, LoginThrottle throttle,
    AuthDbContext database, SecurityNotices notices, AuditLog audit, IHttpContextAccessor accessor, TimeProvider time)
{
    /// <returns>Null if the password is set.</returns>
    public async Task<Error?> UseAsync(string token, string newPassword, CancellationToken cancellationToken)
    {
        // Checked here and again in the transaction: hashing is too slow for a transaction, and an invalid token must not cost a hash.
        if (await tokens.FindUserAsync(token, EmailTokenPurpose.ResetPassword, cancellationToken) is null)
        {
            return EmailProblems.InvalidToken;
        }

        var hash = await hashing.HashAsync(newPassword, cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await tokens.UseAsync(token, EmailTokenPurpose.ResetPassword, cancellationToken) is not { UserId: var id })
        {
            return EmailProblems.InvalidToken;
        }

        var wasVerified = await database.Users.Where(user => user.Id == id).Select(user => user.EmailConfirmed).SingleAsync(cancellationToken);
        var stamp = User.NewSecurityStamp(time);
        await database.Users.Where(user => user.Id == id).ExecuteUpdateAsync(
            set => set
                .SetProperty(user => user.PasswordHash, hash)
                .SetProperty(user => user.SecurityStamp, stamp)
                .SetProperty(user => user.EmailConfirmed, true)
                .SetProperty(user => user.PendingEmail, (string?)null)
                .SetProperty(user => user.AccessFailedCount, 0)
                .SetProperty(user => user.LockoutEnd, (DateTimeOffset?)null),
            cancellationToken);
        await sessions.CloseAllAsync(id, cancellationToken);
        await keys.RevokeAllAsync(id, cancellationToken);
        audit.Record(id, AuditActions.PasswordReset, wasVerified ? null : new Dictionary<string, string> { ["started_anew"] = "true" });
        if (!wasVerified)
        {
            // The link proves who owns the address. Another person may have registered it and added the second factor.
            await factor.ForgetAsync(id, cancellationToken);
            audit.Record(id, AuditActions.EmailVerified);
            database.Publish((await database.Users.AsNoTracking().SingleAsync(user => user.Id == id, cancellationToken)).ToUpdated(), time.GetUtcNow());
        }

        await notices.AddAsync(id, SecurityChanges.PasswordChanged, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        var email = await database.Users.Where(user => user.Id == id).Select(user => user.NormalizedEmail).SingleAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await throttle.ForgetAsync(email, accessor.HttpContext?.Connection.RemoteIpAddress);
        return null;
    }
}
