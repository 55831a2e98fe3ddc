using System.Security.Cryptography;
using Kashif.Persistence;
using Kashif.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kashif.Http;

/// <summary>
/// <c>Idempotency-Key</c> for one request. The key is claimed before the handler runs, and the answer is stored in the
/// transaction of the change: a replay gets that answer, a parallel one a 409, and a request that died without an answer
/// gives its key back after <see cref="ClaimLease"/>.
/// </summary>
/// <remarks>https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/</remarks>
public sealed class Idempotency(DbContext database, TimeProvider time, IOptions<DatabaseOptions> options)
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public const int MaxKeyLength = 128;
    internal const int MaxRouteLength = 300;

    /// <summary>Longer than any request may take.</summary>
    private static readonly TimeSpan ClaimLease = TimeSpan.FromMinutes(2);

    private Claimed? _claim;

    /// <summary>Whether the client sent a key, so that the answer is stored too: more than one statement, hence a transaction.</summary>
    public bool HasKey => _claim is not null;

    /// <summary>
    /// Saves the context's changes and, where the client sent a key, the answer to them, in one transaction: the caller's
    /// if it opened one (which it then commits), else one of its own. May be called again in the same request when a later
    /// step changes the answer.
    /// </summary>
    /// <returns><paramref name="result"/>, to be returned by the handler.</returns>
    /// <exception cref="IdempotencyLostException">Another attempt has taken the key over; nothing was saved.</exception>
    public async Task<TResult> SaveAsync<TResult>(HttpContext context, TResult result, CancellationToken cancellationToken)
        where TResult : IResult
    {
        if (_claim is not { } claim)
        {
            await database.SaveChangesAsync(cancellationToken);
            return result;
        }

        var answer = await Answer.CaptureAsync(context, result);
        await using var own = database.Database.CurrentTransaction is null
            ? await database.Database.BeginTransactionAsync(cancellationToken)
            : null;
        await database.SaveChangesAsync(cancellationToken);
        var stored = await database.Set<IdempotencyRecord>()
            .Where(record => record.UserId == claim.UserId && record.Route == claim.Route && record.Key == claim.Key && record.Claim == claim.Id)
            .ExecuteUpdateAsync(set => set
                .SetProperty(record => record.Status, answer.Status)
                .SetProperty(record => record.ContentType, answer.ContentType)
                .SetProperty(record => record.Location, answer.Location)
                .SetProperty(record => record.Body, answer.Body), cancellationToken);
        if (stored == 0)
        {
            throw new IdempotencyLostException();
        }

        if (own is not null)
        {
            await own.CommitAsync(cancellationToken);
        }

        return result;
    }

    /// <returns>Null where the request may go on, else the answer that it gets.</returns>
    internal async Task<IResult?> BeginAsync(HttpContext context)
    {
        var key = context.Request.Headers[Header].ToString();
        if (key.Length > MaxKeyLength || key.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            return Error.Field(Header, $"At most {MaxKeyLength} printable ASCII characters without spaces.");
        }

        // A trailing slash never matters.
        var route = $"{context.Request.Method} {context.Request.Path.Value?.TrimEnd('/')}";
        if (route.Length > MaxRouteLength)
        {
            return Error.NotFound("There is nothing at this path.").ToProblem();
        }

        var now = time.GetUtcNow();
        var claim = new Claimed(
            context.User.UserIdOrNull ?? Guid.Empty, route, key, Guid.CreateVersion7(now));
        var fingerprint = HMACSHA256.HashData(options.Value.FingerprintKey, (context.Features.Get<JsonBody>()?.Bytes ?? default).Span);

        var claimed = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO idempotency_keys AS held (user_id, route, key, fingerprint, claim, claimed_until, created_at)
            VALUES ({claim.UserId}, {claim.Route}, {claim.Key}, {fingerprint}, {claim.Id}, {now + ClaimLease}, {now})
            ON CONFLICT (user_id, route, key) DO UPDATE SET claim = excluded.claim, claimed_until = excluded.claimed_until
            WHERE held.status IS NULL AND held.claimed_until < excluded.created_at AND held.fingerprint = excluded.fingerprint
            """, context.RequestAborted);
        if (claimed == 1)
        {
            _claim = claim;
            return null;
        }

        var record = await database.Set<IdempotencyRecord>().AsNoTracking().SingleOrDefaultAsync(
            held => held.UserId == claim.UserId && held.Route == claim.Route && held.Key == claim.Key, context.RequestAborted);
        return record switch
        {
            { } other when !other.Fingerprint.AsSpan().SequenceEqual(fingerprint) =>
                Error.Rule("idempotency_key_reused", "This key was sent with another body before.").ToProblem(),
            { Status: { } status } => new Answer(status, record.ContentType, record.Location, record.Body ?? []),
            _ => Error.Conflict("request_in_progress", "The first request with this key is still running.").ToProblem(),
        };
    }

    /// <summary>Gives the key back when the request ended without storing an answer.</summary>
    internal async Task EndAsync()
    {
        if (_claim is { } claim)
        {
            await database.Set<IdempotencyRecord>()
                .Where(record => record.UserId == claim.UserId && record.Route == claim.Route && record.Key == claim.Key
                    && record.Claim == claim.Id && record.Status == null)
                .ExecuteDeleteAsync(CancellationToken.None);
        }
    }

    private sealed record Claimed(Guid UserId, string Route, string Key, Guid Id);

    /// <summary>An answer as bytes: captured from a result, stored, and played back.</summary>
    internal sealed record Answer(int Status, string? ContentType, string? Location, byte[] Body) : IResult
    {
        public static async Task<Answer> CaptureAsync(HttpContext context, IResult result)
        {
            using var body = new MemoryStream();
            var capture = new DefaultHttpContext { RequestServices = context.RequestServices };
            capture.Response.Body = body;
            await result.ExecuteAsync(capture);
            var headers = capture.Response.Headers;
            return new Answer(capture.Response.StatusCode, capture.Response.ContentType, headers.Location, body.ToArray());
        }

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = Status;
            response.Headers[ReplayedHeader] = "true";
            response.Headers.Location = Location;
            response.ContentType = ContentType;
            await response.Body.WriteAsync(Body, httpContext.RequestAborted);
        }
    }
}

/// <summary>The request outlived its claim on the idempotency key, and another attempt runs under it.</summary>
public sealed class IdempotencyLostException() : Exception("Another attempt has taken over this idempotency key.");

/// <summary>Opens an endpoint to idempotency keys.</summary>
public static class IdempotencyExtensions
{
    /// <summary>
    /// Accepts <c>Idempotency-Key</c>. The handler must save through <see cref="Idempotency.SaveAsync"/>, or its answers are
    /// not kept.
    /// </summary>
    public static RouteHandlerBuilder WithIdempotency(this RouteHandlerBuilder builder) => builder
        .WithMetadata(AcceptsIdempotencyKey.Instance)
        .AddEndpointFilter(async (invocation, next) =>
        {
            var context = invocation.HttpContext;
            if (!context.Request.Headers.ContainsKey(Idempotency.Header))
            {
                return await next(invocation);
            }

            var idempotency = context.RequestServices.GetRequiredService<Idempotency>();
            if (await idempotency.BeginAsync(context) is { } answer)
            {
                return answer;
            }

            try
            {
                return await next(invocation);
            }
            finally
            {
                await idempotency.EndAsync();
            }
        });
}

/// <summary>Marks the endpoint for its documentation.</summary>
internal sealed class AcceptsIdempotencyKey
{
    public static readonly AcceptsIdempotencyKey Instance = new();
}
