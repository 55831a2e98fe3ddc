using Kashif.Auth.Data;
using Kashif.Auth.Mfa;
using Kashif.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Accounts;

/// <summary>Who somebody is, by e-mail address and password. Says no in the same way, and after the same work, whatever the reason.</summary>
internal sealed partial class PasswordLogin(
    AuthDbContext database, PasswordHashing hashing, SecondFactor factor, ILookupNormalizer normalizer, IOptions<IdentityOptions> identity, TimeProvider time, ILogger<PasswordLogin> logger)
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
                database.TotpCredentials.Any(credential => credential.UserId == user.Id && credential.ConfirmedAt != null),
                database.UserRoles.Where(held => held.UserId == user.Id)
                    .Join(database.Roles, held => held.RoleId, role => role.Id, (held, role) => role.Name ?? "").ToList()))
            .SingleOrDefault());

    /// <param name="otp">A code of the second factor; empty where none was sent.</param>
    public Task<Login> FindAsync(string email, string password, string otp, CancellationToken cancellationToken)
    {
        // No address and no password has what is no text.
        var possible = email.Length <= EmailAttribute.MaxLength && Characters.AreText(email) && Characters.AreText(password) && password.Length <= PasswordAttribute.MaxLength;
        return CheckAsync(
            possible ? normalizer.NormalizeEmail(EmailAttribute.Clean(email)) : "", possible ? password : "", otp, cancellationToken);
    }

    /// <summary>Whether the signed-in person knows their password. A wrong one counts like one at a login.</summary>
    public async Task<bool> ConfirmAsync(Guid userId, string password, CancellationToken cancellationToken) =>
        (await ConfirmAsync(userId, password, otp: null, cancellationToken)).Outcome is LoginOutcome.Ok;

    /// <summary>The same with the second factor, where the person has one.</summary>
    public async Task<Login> ConfirmAsync(Guid userId, string password, string? otp, CancellationToken cancellationToken)
    {
        var email = await database.Users.Where(user => user.Id == userId).Select(user => user.NormalizedEmail).SingleOrDefaultAsync(cancellationToken);
        return await CheckAsync(email ?? "", password.Length <= PasswordAttribute.MaxLength ? password : "", otp, cancellationToken);
    }

    private async Task<Login> CheckAsync(string normalizedEmail, string password, string? otp, CancellationToken cancellationToken)
    {
        var account = await FindAccount(database, normalizedEmail, cancellationToken);
        var verified = await hashing.VerifyAsync(account?.PasswordHash, password, cancellationToken);

        var now = time.GetUtcNow();
        if (account is null || verified is PasswordVerificationResult.Failed)
        {
            await CountFailureAsync(account?.Id ?? Guid.Empty, now, cancellationToken);
            return new Login(LoginOutcome.Refused);
        }

        var open = database.Users.Where(user => user.Id == account.Id && user.DisabledAt == null && (user.LockoutEnd == null || user.LockoutEnd <= now));
        if (account.HasTotp && otp is not null)
        {
            // Who is locked out learns nothing, and uses nothing up.
            if (!await open.AnyAsync(cancellationToken))
            {
                return new Login(LoginOutcome.Refused);
            }

            if (otp.Length == 0)
            {
                return new Login(LoginOutcome.OtpMissing);
            }

            if (!await factor.TryUseAsync(account.Id, otp, cancellationToken))
            {
                await CountFailureAsync(account.Id, now, cancellationToken);
                return new Login(LoginOutcome.OtpWrong);
            }
        }

        // Asked after password and code were checked, so that guesses sent all at once end at the limit too.
        if (await open.ExecuteUpdateAsync(set => set.SetProperty(user => user.AccessFailedCount, 0), cancellationToken) == 0)
        {
            return new Login(LoginOutcome.Refused);
        }

        if (verified is PasswordVerificationResult.SuccessRehashNeeded)
        {
            var hash = await hashing.HashAsync(password, cancellationToken);
            await database.Users.Where(user => user.Id == account.Id && user.PasswordHash == account.PasswordHash)
                .ExecuteUpdateAsync(set => set.SetProperty(user => user.PasswordHash, hash), cancellationToken);
        }

        return new Login(LoginOutcome.Ok, account);
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

internal enum LoginOutcome
{
    /// <summary>Unknown, wrong password, locked out or disabled: nobody is told which.</summary>
    Refused,

    /// <summary>The password is right, and the account asks for a code too.</summary>
    OtpMissing,
    OtpWrong,
    Ok,
}

/// <param name="Account">Where it is <see cref="LoginOutcome.Ok"/>.</param>
internal sealed record Login(LoginOutcome Outcome, Account? Account = null);

internal sealed record Account(Guid Id, string? PasswordHash, bool HasTotp, IReadOnlyList<string> Roles);
