using System.Security.Cryptography;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Messaging.Idempotency;

/// <summary>
/// The <c>Idempotency-Key</c> of one request. The key is claimed before the handler runs, and <see cref="UnitOfWork"/> stores the
/// answer in the transaction of the change. A replay gets that answer, a parallel request a 409. A request that dies without an
/// answer frees its key after <see cref="ClaimLease"/>.
/// </summary>
/// <remarks>https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/</remarks>
internal sealed class IdempotencyKey(DbContext database, TimeProvider time, IOptions<DatabaseOptions> options)
{
    public const int MaxLength = 128;
    public const int MaxRouteLength = 300;

    /// <summary>Longer than any request may take.</summary>
    private static readonly TimeSpan ClaimLease = TimeSpan.FromMinutes(2);

    private Claimed? _claim;

    public bool IsClaimed => _claim is not null;

    /// <returns>Null for a new request, else the answer that it gets.</returns>
    public async Task<IResult?> ClaimAsync(HttpContext context)
    {
        var key = context.Request.Headers[IdempotencyHeaders.Key] is [{ } only] ? only : "";
        if (key.Length is 0 or > MaxLength || key.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            return Error.Field(IdempotencyHeaders.Key, Localized.Format($"Must be sent once, with 1 to {MaxLength} printable ASCII characters without spaces."));
        }

        var route = CanonicalRoute.Of(context);
        if (route.Length > MaxRouteLength)
        {
            return Error.NotFound("There is nothing at this path. Check the path and the ids in it.").ToProblem();
        }

        var now = time.GetUtcNow();
        var claim = new Claimed(context.User.UserIdOrNull ?? Guid.Empty, route, key, Guid.CreateVersion7(now), context.RequestServices);
        var body = context.Features.Get<ComparedBody>()?.Bytes ?? context.Features.Get<JsonBody>()?.Bytes ?? default;
        var fingerprints = options.Value.FingerprintKeys.Select(secret => HMACSHA256.HashData(secret, body.Span)).ToArray();

        var claimed = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO idempotency_keys AS held (user_id, route, key, fingerprint, claim, claimed_until, created_at)
            VALUES ({claim.UserId}, {claim.Route}, {claim.Key}, {fingerprints[0]}, {claim.Id}, {now + ClaimLease}, {now})
            ON CONFLICT (user_id, route, key) DO UPDATE SET claim = excluded.claim, claimed_until = excluded.claimed_until
            WHERE held.status IS NULL AND held.claimed_until < excluded.created_at AND held.fingerprint = ANY({fingerprints})
            """, context.RequestAborted);
        if (claimed == 1)
        {
            _claim = claim;
            return null;
        }

        var record = await RecordOf(claim).AsNoTracking().SingleOrDefaultAsync(context.RequestAborted);
        return record switch
        {
            { } other when !fingerprints.Any(own => own.SequenceEqual(other.Fingerprint)) =>
                Error.Rule("idempotency_key_reused", "This key was sent with another body before. Send a new key.").ToProblem(),
            { Status: { } status } => new StoredAnswer(status, record.ContentType, record.Location, record.Body ?? []),
            _ => Error.Conflict("request_in_progress", "The first request with this key is still running.").ToProblem(),
        };
    }

    /// <summary>Stores the answer of the claimed key.</summary>
    /// <exception cref="IdempotencyLostException">Another attempt has taken the key over.</exception>
    public async Task StoreAsync(IResult result, CancellationToken cancellationToken)
    {
        if (_claim is not { } claim)
        {
            return;
        }

        var answer = await StoredAnswer.CaptureAsync(claim.Services, result);
        var stored = await RecordOf(claim).Where(record => record.Claim == claim.Id)
            .ExecuteUpdateAsync(set => set
                .SetProperty(record => record.Status, answer.Status)
                .SetProperty(record => record.ContentType, answer.ContentType)
                .SetProperty(record => record.Location, answer.Location)
                .SetProperty(record => record.Body, answer.Body), cancellationToken);
        if (stored == 0)
        {
            throw new IdempotencyLostException();
        }
    }

    /// <summary>Gives the key back if the request ended without an answer to store.</summary>
    public async Task ReleaseAsync()
    {
        if (_claim is { } claim)
        {
            await RecordOf(claim).Where(record => record.Claim == claim.Id && record.Status == null).ExecuteDeleteAsync(CancellationToken.None);
        }
    }

    /// <summary>The record of the key; another attempt may hold it.</summary>
    private IQueryable<IdempotencyRecord> RecordOf(Claimed claim) => database.Set<IdempotencyRecord>()
        .Where(record => record.UserId == claim.UserId && record.Route == claim.Route && record.Key == claim.Key);

    private sealed record Claimed(Guid UserId, string Route, string Key, Guid Id, IServiceProvider Services);
}

/// <summary>The request outlived its claim on the idempotency key, and another attempt runs under it.</summary>
public sealed class IdempotencyLostException() : ConflictException("Another attempt has taken over this idempotency key.");
