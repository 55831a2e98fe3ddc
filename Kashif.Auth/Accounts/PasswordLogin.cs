using Kashif.Auth.Data;
using Kashif.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Accounts;

/// <summary>Who somebody is, by e-mail address and password. Says no in the same way, and after the same work, whatever the reason.</summary>
internal sealed partial class PasswordLogin(
    AuthDbContext database, PasswordHashing hashing, ILookupNormalizer normalizer, IOptions<IdentityOptions> identity, TimeProvider time, ILogger<PasswordLogin> logger)
{
    /// <summary>Where a signed-in person has to give their password again.</summary>
    public static Error WrongPassword { get; } = Error.Rule(
        "wrong_password", "The password is wrong, or there were too many attempts; then try again in some minutes.");

    private static readonly Func<AuthDbContext, string, CancellationToken, Task<Account?>> FindAccount =
        EF.CompileAsyncQuery((AuthDbContext database, string email, CancellationToken _) => database.Users
            .Where(user => user.NormalizedEmail == email)
            .Select(user => new Account(
                user.Id,
                user.PasswordHash,
                database.UserRoles.Where(held => held.UserId == user.Id)
                    .Join(database.Roles, held => held.RoleId, role => role.Id, (held, role) => role.Name ?? "").ToList()))
            .SingleOrDefault());

    public async Task<Account?> FindAsync(string email, string password, CancellationToken cancellationToken)
    {
        // PostgreSQL takes no U+0000, and no address or password has one.
        var possible = email.Length <= EmailAttribute.MaxLength && !email.Contains('\0') && password.Length <= PasswordAttribute.MaxLength;
        var account = await FindAccount(database, possible ? normalizer.NormalizeEmail(EmailAttribute.Clean(email)) : "", cancellationToken);
        var verified = await hashing.VerifyAsync(account?.PasswordHash, possible ? password : "", cancellationToken);

        var now = time.GetUtcNow();
        if (account is null || verified is PasswordVerificationResult.Failed)
        {
            await CountFailureAsync(account?.Id ?? Guid.Empty, now, cancellationToken);
            return null;
        }

        // Asked after the password was checked, so that guesses sent all at once end at the limit too.
        var open = await database.Users
            .Where(user => user.Id == account.Id && user.DisabledAt == null && (user.LockoutEnd == null || user.LockoutEnd <= now))
            .ExecuteUpdateAsync(set => set.SetProperty(user => user.AccessFailedCount, 0), cancellationToken);
        if (open == 0)
        {
            return null;
        }

        if (verified is PasswordVerificationResult.SuccessRehashNeeded)
        {
            var hash = await hashing.HashAsync(password, cancellationToken);
            await database.Users.Where(user => user.Id == account.Id && user.PasswordHash == account.PasswordHash)
                .ExecuteUpdateAsync(set => set.SetProperty(user => user.PasswordHash, hash), cancellationToken);
        }

        return account;
    }

    /// <summary>Whether the signed-in person knows their password. A wrong one counts like one at a login.</summary>
    public async Task<bool> ConfirmAsync(Guid userId, string password, CancellationToken cancellationToken)
    {
        var email = await database.Users.Where(user => user.Id == userId).Select(user => user.Email).SingleOrDefaultAsync(cancellationToken);
        return email is not null && await FindAsync(email, password, cancellationToken) is not null;
    }

    private async Task CountFailureAsync(Guid id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var lockout = identity.Value.Lockout;
        var last = lockout.MaxFailedAccessAttempts - 1;
        DateTimeOffset? end = now + lockout.DefaultLockoutTimeSpan;
        await database.Users
            .Where(user => user.Id == id && user.LockoutEnabled && (user.LockoutEnd == null || user.LockoutEnd <= now))
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(user => user.LockoutEnd, user => user.AccessFailedCount >= last ? end : user.LockoutEnd)
                    .SetProperty(user => user.AccessFailedCount, user => user.AccessFailedCount >= last ? 0 : user.AccessFailedCount + 1),
                cancellationToken);
        LoginFailed(logger);
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "A login failed")]
    private static partial void LoginFailed(ILogger logger);
}

internal sealed record Account(Guid Id, string? PasswordHash, IReadOnlyList<string> Roles);
