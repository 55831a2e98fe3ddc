using System.Globalization;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Sessions;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.SignIn;

/// <summary>
/// Checks an e-mail address and a password: at a login, which opens a session, and when a signed-in user confirms something with
/// the password. All refused logins do the same work and get the same response.
/// </summary>
/// <remarks>
/// <code>
///   1  Redis        count the attempt                             limit reached: 429
///   2  PostgreSQL   find the account
///   3  CPU          verify the password, tens of milliseconds
///      ┌─────────── one transaction ────────────────────────────┐
///   4  │ users, totp_credentials, recovery_codes: use the code  │ no code sent: 401 mfa_required
///   5  │ users: count the success or the failure, lock out      │ a known device is not locked out
///   6  │ sessions, refresh_tokens: open the session             │
///   7  │ audit_log: write the entries, commit                   │ refused: 401
///      └────────────────────────────────────────────────────────┘
///   8  Redis        clear the account's attempts
///   9  PostgreSQL   store a new hash if the old one was cheaper
/// </code>
/// </remarks>
internal sealed partial class PasswordLogin(
    AuthDbContext database, PasswordHashing hashing, SecondFactor factor, SessionTokens sessions, LoginThrottle throttle, DeviceTokens devices, AuditLog audit,
    IHttpContextAccessor accessor, TimeProvider time, ILogger<PasswordLogin> logger)
{
    /// <summary>Wrong passwords in a row that lock an account.</summary>
    private const int MaxFailures = 5;

    private static readonly TimeSpan LockoutDuration = TimeSpan.FromMinutes(5);

    private static readonly Error WrongPassword = Error.Rule(
        "wrong_password", "The password is wrong, or the account is locked after too many attempts. Try again in a few minutes.");

    private static readonly Error TooManyAttempts = Error.TooMany(
        "too_many_attempts", "Too many wrong passwords. Try again after the time in Retry-After.");

    private static readonly Func<AuthDbContext, string, CancellationToken, Task<Account?>> FindAccount =
        EF.CompileAsyncQuery((AuthDbContext database, string email, CancellationToken _) => database.Users
            .Where(user => user.NormalizedEmail == email)
            .Select(user => new Account(
                user.Id,
                user.PasswordHash,
                user.SecurityStamp,
                database.TotpCredentials.Any(credential => credential.UserId == user.Id && credential.ConfirmedAt != null),
                user.Roles))
            .SingleOrDefault());

    private static readonly Func<AuthDbContext, string, CancellationToken, Task<string?>> FindStamp =
        EF.CompileAsyncQuery((AuthDbContext database, string email, CancellationToken _) =>
            database.Users.Where(user => user.NormalizedEmail == email).Select(user => user.SecurityStamp).SingleOrDefault());

    /// <summary>Signs a user in and opens a session.</summary>
    /// <param name="otp">A code from the authenticator app or a recovery code; empty if none was sent.</param>
    /// <param name="deviceToken">From an earlier login on this device; empty if none was sent.</param>
    public async Task<LoginResult> SignInAsync(string email, string password, string otp, string deviceToken, CancellationToken cancellationToken)
    {
        // An address or password that cannot exist still takes every step.
        var possible = email.Length <= EmailAddress.MaxLength && Characters.AreText(email) && IsPossible(password);
        var normalized = possible ? EmailAddress.Normalize(email) : "";
        var device = DeviceTokens.IsPossible(deviceToken)
            ? devices.Find(deviceToken, await FindStamp(database, normalized, cancellationToken))
            : null;
        var result = await CheckAsync(normalized, possible ? password : "", otp, device?.ToString("N"), opensSession: true, cancellationToken);
        return result is { Session: not null, Account: { } account } ? result with { DeviceToken = devices.Issue(account.SecurityStamp, device) } : result;
    }

    /// <summary>Checks the password of an account. A wrong password counts for the caller's session if it is a session of the account, else as at a login.</summary>
    /// <param name="otp">A second-factor code, needed only if the user has one; null to ask for the password alone.</param>
    public async Task<LoginResult> ReauthenticateAsync(Guid userId, string password, string? otp, CancellationToken cancellationToken)
    {
        var email = await database.Users.Where(user => user.Id == userId).Select(user => user.NormalizedEmail).SingleOrDefaultAsync(cancellationToken);
        var caller = accessor.HttpContext?.User;
        var session = caller?.UserIdOrNull == userId ? caller.SessionId?.ToString("N") : null;
        return await CheckAsync(email ?? "", IsPossible(password) ? password : "", otp, session, opensSession: false, cancellationToken);
    }

    /// <summary>The error for a signed-in user whose password or code was refused; null if it was accepted. Sets <c>Retry-After</c>.</summary>
    public Error? ErrorFor(LoginResult result)
    {
        switch (result.Outcome)
        {
            case LoginOutcome.Succeeded:
                return null;
            case LoginOutcome.TooManyAttempts when accessor.HttpContext is { } http:
                http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(result.RetryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
                return TooManyAttempts;
            default:
                return WrongPassword;
        }
    }

    private async Task<LoginResult> CheckAsync(
        string normalizedEmail, string password, string? otp, string? device, bool opensSession, CancellationToken cancellationToken)
    {
        // 1. Before the password is checked, so that parallel guesses count each other.
        var (attempt, wait) = await throttle.BeginAsync(normalizedEmail, accessor.HttpContext?.Connection.RemoteIpAddress, device, cancellationToken);
        if (wait is { } retryAfter)
        {
            return new LoginResult(LoginOutcome.TooManyAttempts, RetryAfter: retryAfter);
        }

        // 2.
        var account = await FindAccount(database, normalizedEmail, cancellationToken);

        // 3. Outside the transaction, which would hold a connection meanwhile.
        var verified = await VerifyAsync(account, password, attempt, cancellationToken);

        // 4.
        var now = time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var outcome = account is null || verified is PasswordVerificationResult.Failed
            ? LoginOutcome.Refused
            : await UseSecondFactorAsync(account, otp, device is not null, now, cancellationToken);
        if (outcome is LoginOutcome.OtpMissing)
        {
            await transaction.RollbackAsync(cancellationToken);
            await throttle.CancelAsync(attempt); // neither a failure nor a success yet
            return new LoginResult(outcome);
        }

        // 5.
        var admitted = await CountAsync(account, outcome is LoginOutcome.Succeeded, device is not null, now, cancellationToken);
        if (outcome is LoginOutcome.Succeeded && !admitted)
        {
            outcome = LoginOutcome.Refused;
        }

        // 6.
        var session = admitted && opensSession && account is not null && accessor.HttpContext is { } http ? sessions.Open(account.Id, http) : null;

        // 7. A refused login writes too: a commit without a write is faster, and would tell that there is no such account.
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (!admitted || account is null)
        {
            LoginFailed(logger);
            return new LoginResult(outcome);
        }

        // 8.
        await throttle.SucceedAsync(attempt);

        // 9.
        if (verified is PasswordVerificationResult.SuccessRehashNeeded)
        {
            await RehashAsync(account, password, cancellationToken);
        }

        return new LoginResult(outcome, account, session);
    }

    private static bool IsPossible(string password) => password.Length <= PasswordAttribute.MaxLength && Characters.AreText(password);

    private async Task<PasswordVerificationResult> VerifyAsync(Account? account, string password, LoginAttempt attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await hashing.VerifyAsync(account?.PasswordHash, password, cancellationToken);
        }
        catch (TimeoutException)
        {
            await throttle.CancelAsync(attempt); // the password was not checked
            throw;
        }
    }

    /// <summary>
    /// Locks the user's row before it writes the code's: a deletion takes them in the same order, so the two cannot deadlock. A disabled or
    /// locked user, or one whose password has changed meanwhile, learns nothing about the code and uses none up.
    /// </summary>
    private async Task<LoginOutcome> UseSecondFactorAsync(
        Account account, string? otp, bool knownDevice, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (otp is null || !account.HasTotp)
        {
            return LoginOutcome.Succeeded;
        }

        var open = await database.Database.SqlQuery<Guid>($"""
            SELECT id AS "Value" FROM users WHERE id = {account.Id} AND disabled_at IS NULL AND ({knownDevice} OR lockout_end IS NULL OR lockout_end <= {now})
                AND security_stamp = {account.SecurityStamp} FOR UPDATE
            """).ToListAsync(cancellationToken);
        if (open is [])
        {
            return LoginOutcome.Refused;
        }

        if (otp.Length == 0)
        {
            return LoginOutcome.OtpMissing;
        }

        return await factor.TryUseAsync(account.Id, otp, cancellationToken) ? LoginOutcome.Succeeded : LoginOutcome.OtpWrong;
    }

    /// <summary>
    /// Counts the attempt with one statement for every case. An account that is unknown, disabled, locked or has a new password meanwhile
    /// has no matching row; its failure is audited all the same, under the empty id if there is no account. Attempts of a known device
    /// neither lock the account nor unlock it for others.
    /// </summary>
    /// <returns>Whether the attempt was correct and the account is open.</returns>
    private async Task<bool> CountAsync(Account? account, bool correct, bool knownDevice, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var id = account?.Id ?? Guid.Empty;
        const int last = MaxFailures - 1;
        var lockedUntil = now + LockoutDuration;

        // The row is judged now, after the hashing: parallel guesses stop at the limit too.
        var locked = await database.Database.SqlQuery<bool>($"""
            UPDATE users SET
                lockout_end = CASE WHEN NOT {correct} AND NOT {knownDevice} AND access_failed_count >= {last} THEN {lockedUntil} ELSE lockout_end END,
                access_failed_count = CASE
                    WHEN {knownDevice} THEN access_failed_count
                    WHEN {correct} OR access_failed_count >= {last} THEN 0
                    ELSE access_failed_count + 1 END
            WHERE id = {id} AND disabled_at IS NULL AND ({knownDevice} OR lockout_end IS NULL OR lockout_end <= {now})
                AND security_stamp = {account?.SecurityStamp ?? ""}
            RETURNING NOT {knownDevice} AND lockout_end IS NOT NULL AND lockout_end > {now} AS "Value"
            """).ToListAsync(cancellationToken);
        if (correct && locked is [_])
        {
            return true;
        }

        audit.Record(id, AuditActions.LoginFailed);
        if (locked is [true])
        {
            audit.Record(id, AuditActions.LockedOut);
        }

        return false;
    }

    private async Task RehashAsync(Account account, string password, CancellationToken cancellationToken)
    {
        var hash = await hashing.HashAsync(password, cancellationToken);
        await database.Users.Where(user => user.Id == account.Id && user.PasswordHash == account.PasswordHash)
            .ExecuteUpdateAsync(set => set.SetProperty(user => user.PasswordHash, hash), cancellationToken);
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Login failed")]
    private static partial void LoginFailed(ILogger logger);
}

internal enum LoginOutcome
{
    /// <summary>Unknown account, wrong password, locked or disabled: the client is not told which.</summary>
    Refused,

    /// <summary>The password is correct; the account also needs a code.</summary>
    OtpMissing,
    OtpWrong,

    /// <summary>The throttle refused the attempt; nothing was checked.</summary>
    TooManyAttempts,
    Succeeded,
}

/// <param name="Account">Set if the attempt succeeded.</param>
/// <param name="Session">Set if the attempt succeeded and was a login.</param>
/// <param name="DeviceToken">Set with the session: makes this device a known one at its next logins.</param>
/// <param name="RetryAfter">Set for <see cref="LoginOutcome.TooManyAttempts"/>.</param>
internal sealed record LoginResult(LoginOutcome Outcome, Account? Account = null, OpenedSession? Session = null, string? DeviceToken = null, TimeSpan RetryAfter = default);

/// <param name="SecurityStamp">Changes with the password, not when the same password is hashed again.</param>
internal sealed record Account(Guid Id, string PasswordHash, string SecurityStamp, bool HasTotp, string[] Roles);
