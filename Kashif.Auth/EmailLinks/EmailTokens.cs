using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <summary>Issues and redeems the tokens of e-mailed links.</summary>
internal sealed class EmailTokens(AuthDbContext database, TimeProvider time)
{
    /// <summary>Longer tokens are refused without a lookup.</summary>
    public const int MaxTokenLength = 200;

    /// <summary>E-mails of one kind in an hour: for one user, and to one address.</summary>
    public const int MaxPerHour = 3;

    public static readonly TimeSpan VerificationLifetime = TimeSpan.FromHours(24);
    public static readonly TimeSpan ResetLifetime = TimeSpan.FromHours(1);

    private const int TokenBytes = 32;

    /// <summary>Adds a token, and the event that makes Notifications send the link, to the next save.</summary>
    public void AddVerification(Guid userId, string email, string language) => database.Publish(
        new EmailVerificationRequested(userId, email, Add(EmailTokenPurpose.VerifyEmail, userId, email, VerificationLifetime), language), time.GetUtcNow());

    /// <inheritdoc cref="AddVerification"/>
    /// <param name="cause">The trace of the request, which has already been answered.</param>
    public void AddReset(Guid userId, string email, string language, EventCause cause) => database.Publish(
        new PasswordResetRequested(userId, email, Add(EmailTokenPurpose.ResetPassword, userId, email, ResetLifetime), language), time.GetUtcNow(), cause);

    /// <summary>
    /// Reads the user in the caller's transaction: the row stays locked until it ends, so that parallel requests count each other's
    /// e-mails.
    /// </summary>
    /// <returns>Null if the user is unknown or disabled.</returns>
    public async Task<User?> LockAsync(Guid userId, CancellationToken cancellationToken) =>
        (await database.Users.FromSql($"SELECT * FROM users WHERE id = {userId} AND disabled_at IS NULL FOR UPDATE")
            .AsNoTracking().ToListAsync(cancellationToken)).SingleOrDefault();

    /// <summary>
    /// Checks the hourly limits of the user and of the address, in the caller's transaction: the address stays locked until it ends, so
    /// that parallel requests count each other. Several accounts can have had one address, one after the other.
    /// </summary>
    public async Task<bool> MaySendAsync(Guid userId, string email, EmailTokenPurpose purpose, CancellationToken cancellationToken)
    {
        var normalized = EmailAddress.Normalize(email);
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({normalized}, 0))", cancellationToken);
        var hourAgo = time.GetUtcNow() - TimeSpan.FromHours(1);
        var sent = database.EmailTokens.Where(token => token.Purpose == purpose && token.CreatedAt > hourAgo);
        return await sent.CountAsync(token => token.UserId == userId, cancellationToken) < MaxPerHour
            && await sent.CountAsync(token => token.Email == email || token.Email.ToUpper() == normalized, cancellationToken) < MaxPerHour;
    }

    /// <returns>The user whose account the link is for; null if the token is unknown, used or expired.</returns>
    public Task<Guid?> FindUserAsync(string token, EmailTokenPurpose purpose, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hash = HashOf(token);
        return database.EmailTokens
            .Where(given => given.Hash == hash && given.Purpose == purpose && given.UsedAt == null && given.ExpiresAt > now)
            .Select(given => (Guid?)given.UserId).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Redeems a token and invalidates all others of its purpose that were sent to the same address. Of parallel requests with one token one succeeds.</summary>
    /// <returns>The link, whose user's row is locked until the transaction ends; null if the token is unknown, used, expired or was sent to a former address.</returns>
    public async Task<EmailLink?> UseAsync(string token, EmailTokenPurpose purpose, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var pending = purpose is EmailTokenPurpose.VerifyEmail;
        var links = await database.Database.SqlQuery<EmailLink>($"""
            SELECT user_id, email_tokens.email FROM users JOIN email_tokens ON email_tokens.user_id = users.id
            WHERE hash = {HashOf(token)} AND disabled_at IS NULL
                AND (email_tokens.email = users.email OR ({pending} AND email_tokens.email = users.pending_email)) FOR UPDATE OF users
            """).ToListAsync(cancellationToken);
        if (links is not [var link])
        {
            return null;
        }

        var hash = HashOf(token);
        var used = await database.EmailTokens
            .Where(given => given.Hash == hash && given.Purpose == purpose && given.UsedAt == null && given.ExpiresAt > now)
            .ExecuteUpdateAsync(set => set.SetProperty(given => given.UsedAt, now), cancellationToken);
        if (used == 0)
        {
            return null;
        }

        await database.EmailTokens
            .Where(given => given.UserId == link.UserId && given.Email == link.Email && given.Purpose == purpose && given.UsedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(given => given.UsedAt, now), cancellationToken);
        return link;
    }

    /// <summary>Invalidates all links of the user. Their rows stay, because they count for the hourly limits.</summary>
    public Task InvalidateAllAsync(Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return database.EmailTokens.Where(given => given.UserId == userId && given.UsedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(given => given.UsedAt, now), cancellationToken);
    }

    private string Add(EmailTokenPurpose purpose, Guid userId, string email, TimeSpan lifetime)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var now = time.GetUtcNow();
        database.EmailTokens.Add(new EmailToken
        {
            Hash = HashOf(token),
            UserId = userId,
            Purpose = purpose,
            Email = email,
            CreatedAt = now,
            ExpiresAt = now + lifetime,
        });
        return token;
    }

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

/// <param name="Email">The address that the link was sent to.</param>
internal sealed record EmailLink(Guid UserId, string Email);
