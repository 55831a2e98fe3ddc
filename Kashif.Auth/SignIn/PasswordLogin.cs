using System.Globalization;
using Kashif.Auth.Accounts;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Mfa;
using Kashif.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.SignIn;

/// <summary>Who somebody is, by e-mail address and password. Says no in the same way, and after the same work, whatever the reason.</summary>
internal sealed partial class PasswordLogin(
    AuthDbContext database, PasswordHashing hashing, SecondFactor factor, LoginThrottle throttle, AuditLog audit, IHttpContextAccessor accessor,
    ILookupNormalizer normalizer, IOptions<IdentityOptions> identity, TimeProvider time, ILogger<PasswordLogin> logger)
{
    private static readonly Error WrongPassword = Error.Rule(
        "wrong_password", "The password is wrong, or there were too many attempts; then try again in some minutes.");

    private static readonly Error TooMany = Error.TooMany(
        "too_many_attempts", "There were too many wrong passwords; Retry-After says when there may be another.");

    private static readonly Func<AuthDbContext, string, CancellationToken, Task<Account?>> FindAccount =
        EF.CompileAsyncQuery((AuthDbContext database, string email, CancellationToken _) => database.Users
            .Where(user => user.NormalizedEmail == email)
            .Select(user => new Account(
                user.Id,
                user.PasswordHash,
                user.SecurityStamp,
                database.TotpCredentials.Any(credential => credential.UserId == user.Id && credential.ConfirmedAt != null),
                database.UserRoles.Where(held => held.UserId == user.Id)
                    .Join(database.Roles, held => held.RoleId, role => role.Id, (held, role) => role.Name ?? "").ToList()))
            .SingleOrDefault());

    /// <summary>
    /// Where it is <see cref="LoginOutcome.Ok"/>, a transaction is open that holds the account as it was checked: nobody is
    /// disabled and no password is changed before <see cref="SucceedAsync"/> commits it with what the caller adds.
    /// </summary>
    /// <param name="otp">A code of the second factor; empty where none was sent.</param>
    public Task<Login> FindAsync(string email, string password, string otp, CancellationToken cancellationToken)
    {
        // No address and no password has what is no text.
        var possible = email.Length <= EmailAttribute.MaxLength && Characters.AreText(email) && Characters.AreText(password) && password.Length <= PasswordAttribute.MaxLength;
        return CheckAsync(
            possible ? normalizer.NormalizeEmail(EmailAttribute.Clean(email)) : "", possible ? password : "", otp, cancellationToken);
    }

    /// <summary>Whether the signed-in person knows their password. A wrong one counts like one at a login.</summary>
    /// <param name="otp">A code of the second factor, for those who have one; null where the password is enough.</param>
    public async Task<Login> ConfirmAsync(Guid userId, string password, string? otp, CancellationToken cancellationToken)
    {
        var email = await database.Users.Where(user => user.Id == userId).Select(user => user.NormalizedEmail).SingleOrDefaultAsync(cancellationToken);
        var result = await CheckAsync(email ?? "", password.Length <= PasswordAttribute.MaxLength ? password : "", otp, cancellationToken);
        if (result.Outcome is LoginOutcome.Ok)
        {
            await SucceedAsync(result, password, cancellationToken);
        }

        return result;
    }

    /// <summary>What is answered to whoever is signed in and did not get through; null where they did.</summary>
    public Error? Refusal(Login result)
    {
        switch (result.Outcome)
        {
            case LoginOutcome.Ok:
                return null;
            case LoginOutcome.TooMany when accessor.HttpContext is { } http:
                http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(result.Wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
                return TooMany;
            default:
                return WrongPassword;
        }
    }

    /// <summary>Commits, and forgives the wrong passwords before this right one.</summary>
    public async Task SucceedAsync(Login result, string password, CancellationToken cancellationToken)
    {
        if (database.Database.CurrentTransaction is { } transaction)
        {
            await transaction.CommitAsync(cancellationToken);
            await transaction.DisposeAsync();
        }

        await throttle.SucceedAsync(result.Attempt);
        if (result.Account is { NeedsRehash: true } account)
        {
            var hash = await hashing.HashAsync(password, cancellationToken);
            await database.Users.Where(user => user.Id == account.Id && user.PasswordHash == account.PasswordHash)
                .ExecuteUpdateAsync(set => set.SetProperty(user => user.PasswordHash, hash), cancellationToken);
        }
    }

    private async Task<Login> CheckAsync(string normalizedEmail, string password, string? otp, CancellationToken cancellationToken)
    {
        var (attempt, wait) = await throttle.BeginAsync(normalizedEmail, accessor.HttpContext?.Connection.RemoteIpAddress, cancellationToken);
        if (wait is { } longest)
        {
            return new Login(LoginOutcome.TooMany, attempt) { Wait = longest };
        }

        var account = await FindAccount(database, normalizedEmail, cancellationToken);
        PasswordVerificationResult verified;
        try
        {
            verified = await hashing.VerifyAsync(account?.PasswordHash, password, cancellationToken);
        }
        catch (TimeoutException)
        {
            await throttle.CancelAsync(attempt); // nobody has learned anything
            throw;
        }

        var now = time.GetUtcNow();
        var right = verified is not PasswordVerificationResult.Failed;
        var refused = LoginOutcome.Refused;
        if (right && otp is not null && account is { HasTotp: true } held
            && await database.Users.AnyAsync(user => user.Id == held.Id && user.DisabledAt == null && (user.LockoutEnd == null || user.LockoutEnd <= now), cancellationToken))
        {
            // Who is locked out learns nothing, and uses nothing up.
            if (otp.Length == 0)
            {
                await throttle.CancelAsync(attempt); // nothing is wrong so far, and nothing forgiven
                return new Login(LoginOutcome.OtpMissing, attempt);
            }

            if (!await factor.TryUseAsync(held.Id, otp, cancellationToken))
            {
                (right, refused) = (false, LoginOutcome.OtpWrong);
            }
        }

        var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await SettleAsync(account, right, now, cancellationToken) && account is not null)
        {
            return new Login(LoginOutcome.Ok, attempt) { Account = account with { NeedsRehash = verified is PasswordVerificationResult.SuccessRehashNeeded } };
        }

        await transaction.CommitAsync(cancellationToken);
        await transaction.DisposeAsync();
        LoginFailed(logger);
        return new Login(refused, attempt);
    }

    /// <summary>
    /// Counts the password, right or wrong, in one statement for everybody: an account that is locked, disabled, changed since or
    /// not there has no row, and is told of in the audit log all the same (under nobody's id where there is none), because a
    /// commit that writes takes longer than one that does not.
    /// </summary>
    /// <returns>Whether it was right and the account may be entered.</returns>
    private async Task<bool> SettleAsync(Account? account, bool right, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var id = account?.Id ?? Guid.Empty;
        var lockout = identity.Value.Lockout;
        var last = lockout.MaxFailedAccessAttempts - 1;
        var end = now + lockout.DefaultLockoutTimeSpan;

        // Asked after password and code were checked, so that guesses sent all at once end at the limit too.
        var locked = await database.Database.SqlQuery<bool>($"""
            UPDATE users SET
                lockout_end = CASE WHEN NOT {right} AND access_failed_count >= {last} THEN {end} ELSE lockout_end END,
                access_failed_count = CASE WHEN {right} OR access_failed_count >= {last} THEN 0 ELSE access_failed_count + 1 END
            WHERE id = {id} AND disabled_at IS NULL AND (lockout_end IS NULL OR lockout_end <= {now}) AND security_stamp = {account?.SecurityStamp ?? ""}
            RETURNING lockout_end IS NOT NULL AND lockout_end > {now} AS "Value"
            """).ToListAsync(cancellationToken);
        if (right && locked is [_])
        {
            return true;
        }

        audit.Record(id, AuditActions.LoginFailed);
        if (locked is [true])
        {
            audit.Record(id, AuditActions.LockedOut);
        }

        await database.SaveChangesAsync(cancellationToken);
        return false;
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

    /// <summary>Nothing was looked at.</summary>
    TooMany,
    Ok,
}

/// <param name="Attempt">What it counted for.</param>
internal sealed record Login(LoginOutcome Outcome, LoginAttempt Attempt)
{
    /// <summary>Where it is <see cref="LoginOutcome.Ok"/>.</summary>
    public Account? Account { get; init; }

    /// <summary>Where it is <see cref="LoginOutcome.TooMany"/>.</summary>
    public TimeSpan Wait { get; init; }
}

/// <param name="SecurityStamp">Changes with each new password, and not with a new hash of the same.</param>
internal sealed record Account(Guid Id, string? PasswordHash, string? SecurityStamp, bool HasTotp, IReadOnlyList<string> Roles)
{
    public bool NeedsRehash { get; init; }
}
