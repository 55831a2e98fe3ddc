using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Customers;

/// <summary>Issues and finds the tokens of links to take an account over.</summary>
internal sealed class Invitations(AuthDbContext database, AuditLog audit, TimeProvider time)
{
    /// <summary>Longer tokens are refused without a lookup.</summary>
    public const int MaxTokenLength = 200;

    /// <summary>Links in an hour to one customer.</summary>
    public const int MaxPerHour = 3;

    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    private const int TokenBytes = 32;

    /// <summary>
    /// Adds a token, and the event that makes Notifications send the link, to the next save. The former links stop working. The caller has locked the customer's row,
    /// so that parallel requests count each other.
    /// </summary>
    /// <param name="cause">The trace of a request that has already been answered; null for this one.</param>
    /// <returns>False if the customer has got too many links this hour, or has no address.</returns>
    public async Task<bool> TryAddAsync(Customer customer, CancellationToken cancellationToken, EventCause? cause = null)
    {
        var now = time.GetUtcNow();
        var hourAgo = now - TimeSpan.FromHours(1);
        var own = database.Invitations.Where(invitation => invitation.CustomerId == customer.Id);
        if (customer is not { Email: { } email, NormalizedEmail: { } normalized }
            || await own.CountAsync(invitation => invitation.NormalizedEmail == normalized && invitation.CreatedAt > hourAgo, cancellationToken) >= MaxPerHour)
        {
            return false;
        }

        await own.Where(invitation => invitation.ReplacedAt == null).ExecuteUpdateAsync(set => set.SetProperty(invitation => invitation.ReplacedAt, now), cancellationToken);
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        database.Invitations.Add(new Invitation
        {
            Hash = HashOf(token),
            CustomerId = customer.Id,
            NormalizedEmail = normalized,
            CreatedAt = now,
            ExpiresAt = now + Lifetime,
        });
        customer.InvitedAt = now;
        customer.Version++;
        audit.Record(customer.Id, AuditActions.CustomerInvited);
        var invited = new UserInvited(customer.Id, email, token, customer.Language);
        if (cause is { } former)
        {
            database.Publish(invited, now, former);
        }
        else
        {
            database.Publish(invited, now);
        }

        return true;
    }

    /// <summary>
    /// Sends a link if a customer has the address: to the person who registers with it, or has forgotten a password that there never was. In the caller's transaction, which
    /// the caller commits.
    /// </summary>
    /// <returns>Whether a customer has the address.</returns>
    public async Task<bool> OfferAsync(string normalizedEmail, CancellationToken cancellationToken, EventCause? cause = null)
    {
        if ((await database.Customers.FromSql($"SELECT * FROM customers WHERE normalized_email = {normalizedEmail} FOR UPDATE").ToListAsync(cancellationToken)) is not [var customer])
        {
            return false;
        }

        if (await TryAddAsync(customer, cancellationToken, cause))
        {
            await database.SaveChangesAsync(cancellationToken);
        }

        return true;
    }

    /// <returns>The address that the link was sent to; null if the token is unknown, replaced or expired.</returns>
    public Task<string?> FindEmailAsync(string token, CancellationToken cancellationToken)
    {
        var (hash, now) = (HashOf(token), time.GetUtcNow());
        return database.Invitations.Where(invitation => invitation.Hash == hash && invitation.ReplacedAt == null && invitation.ExpiresAt > now)
            .Select(invitation => invitation.NormalizedEmail).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Locks the customer's row until the transaction ends: of parallel requests with one token, one finds it.</summary>
    /// <returns>Null if the token is unknown, replaced or expired, or was sent to a former address.</returns>
    public async Task<Customer?> LockCustomerAsync(string token, CancellationToken cancellationToken)
    {
        var (hash, now) = (HashOf(token), time.GetUtcNow());
        var owner = await database.Invitations.Where(invitation => invitation.Hash == hash).Select(invitation => (Guid?)invitation.CustomerId).SingleOrDefaultAsync(cancellationToken);
        var locked = await database.Customers.FromSql($"SELECT * FROM customers WHERE id = {owner} FOR UPDATE").AsNoTracking().ToListAsync(cancellationToken);

        // Asked again behind the lock: a parallel invitation may have replaced the link.
        return locked is [var customer] && await database.Invitations.AnyAsync(
            invitation => invitation.Hash == hash && invitation.ReplacedAt == null && invitation.ExpiresAt > now && invitation.NormalizedEmail == customer.NormalizedEmail, cancellationToken)
            ? customer
            : null;
    }

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

/// <summary>Deletes expired links.</summary>
internal sealed class InvitationCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<InvitationCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await services.GetRequiredService<AuthDbContext>().Invitations.Where(invitation => invitation.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
    }
}
