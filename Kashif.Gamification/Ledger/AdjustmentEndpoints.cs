using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Ledger;

/// <param name="UserId">The user.</param>
/// <param name="Points" example="-20">What the user gets; negative to take points. Not 0.</param>
/// <param name="Reason" example="Photos of another city.">Why. The user sees it.</param>
public sealed record AdjustmentRequest(Guid UserId, [Between(-1_000_000, 1_000_000)] int Points, [Text(1, PointTransaction.NoteLength)] string Reason);

/// <param name="Reason" example="Reported twice.">Why. The user sees it.</param>
public sealed record ReversalRequest([Text(1, PointTransaction.NoteLength)] string Reason);

/// <summary>An entry that an administrator booked.</summary>
/// <param name="Id">The transaction's id.</param>
/// <param name="Action" example="adjusted">What was done.</param>
/// <param name="UserId">The user whose points changed; the empty id once the account is deleted.</param>
/// <param name="Points" example="-15">The change of the balance.</param>
/// <param name="Owed" example="5">What could not be taken, because it was spent. The user's next points pay it.</param>
/// <param name="BalanceAfter" example="0">The balance after it.</param>
/// <param name="Reason" example="Photos of another city.">Why; null once the account is deleted.</param>
/// <param name="Reverses">The transaction that was reversed.</param>
/// <param name="Actor">The administrator; the empty id once that account is deleted.</param>
/// <param name="CreatedAt">When it was booked.</param>
internal sealed record AdjustmentResponse(
    Guid Id, [property: Values(PointTransaction.Adjusted, PointTransaction.ReversedPoints)] string Action, Guid UserId, int Points, int Owed, long BalanceAfter,
    string? Reason, Guid? Reverses, Guid? Actor, DateTimeOffset CreatedAt)
{
    public static AdjustmentResponse Of(PointTransaction entry) => new(
        entry.Id, entry.Reason, entry.UserId, entry.Points, entry.Owed, entry.BalanceAfter, entry.Note, entry.Reverses, entry.Actor, entry.CreatedAt);
}

/// <summary>Corrections by administrators. The ledger is their audit log.</summary>
internal static class AdjustmentEndpoints
{
    private const string Path = "/api/v1/gamification/adjustments";

    private static Error Erased { get; } = Error.NotFound("This account was deleted.");
    private static Error Unknown { get; } = Error.NotFound("No transaction found.");
    private static Error AlreadyReversed { get; } = Error.Conflict("already_reversed", "This transaction was already reversed.");
    private static Error NotReversible { get; } = Error.Rule("not_reversible", "Only awards and adjustments can be reversed, and only points that have not expired.");

    public static void MapAdjustments(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/v1/gamification").WithTags("Adjustments").RequireAuthorization(Policies.Admin, Policies.Session);
        group.MapPost("/adjustments", AdjustAsync).WithIdempotency().WithProblems(404, "not_found")
            .WithName("AdjustPoints").WithSummary("Adjust a user's points")
            .WithDescription("Users are known here by their points only: an id that no account has gets a balance too. What cannot be taken is owed. A deleted account returns 404.");
        group.MapGet("/adjustments", ListAsync).WithName("ListAdjustments").WithSummary("List all adjustments and reversals, newest first");
        group.MapPost("/transactions/{id:guid}/reverse", ReverseAsync).WithIdempotency()
            .WithProblems(409, AlreadyReversed.Code).WithProblems(422, NotReversible.Code)
            .WithName("ReverseTransaction").WithSummary("Reverse an award or an adjustment")
            .WithDescription("Once. What cannot be taken is owed; what has expired is not taken again.");
    }

    private static async Task<Results<Created<AdjustmentResponse>, ValidationProblem, ProblemHttpResult>> AdjustAsync(
        AdjustmentRequest request, ClaimsPrincipal admin, GamificationDbContext database, PointsLedger ledger, UnitOfWork work, CancellationToken cancellationToken)
    {
        if (request.Points == 0)
        {
            return Error.Field("points", "Must not be 0.");
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        var bookings = await ledger.NewAsync(
            [
                new Booking(
                    request.UserId, request.Points, request.Points > 0 ? EntryKind.Earned : EntryKind.Reversed, PointTransaction.Adjusted, $"adjustment:{Guid.CreateVersion7()}")
                {
                    Note = request.Reason.Trim(),
                    Actor = admin.UserId,
                },
            ],
            cancellationToken);
        return await IsErasedAsync(database, request.UserId, cancellationToken)
            ? Erased.ToProblem()
            : await BookAsync(bookings, ledger, work, cancellationToken);
    }

    /// <param name="id">The transaction's id.</param>
    private static async Task<Results<Created<AdjustmentResponse>, ProblemHttpResult>> ReverseAsync(
        Guid id, ReversalRequest request, ClaimsPrincipal admin, GamificationDbContext database, PointsLedger ledger, UnitOfWork work, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        if (await database.Transactions.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id && row.UserId != ErasedUser.Id, cancellationToken) is not { } entry)
        {
            return Unknown.ToProblem();
        }

        var followers = await database.Transactions.AsNoTracking().Where(row => row.Reverses == id).ToListAsync(cancellationToken);
        if (followers.Exists(row => row.Kind == EntryKind.Reversed))
        {
            return AlreadyReversed.ToProblem();
        }

        if (Reversal(entry, followers) is not { } reversal)
        {
            return NotReversible.ToProblem();
        }

        // An award that has left the leaderboards of its category and its area is not taken off there again.
        if (await database.Transactions.AnyAsync(row => row.Cause == PointTransaction.UnnamedCause + id.ToString(), cancellationToken))
        {
            reversal = reversal with { Category = null, Area = null };
        }

        return await BookAsync([reversal with { Note = request.Reason.Trim(), Actor = admin.UserId }], ledger, work, cancellationToken);
    }

    /// <returns>What takes back an award or an adjustment, less what has expired; null if there is nothing to take back.</returns>
    internal static Booking? Reversal(PointTransaction entry, IEnumerable<PointTransaction> followers)
    {
        var points = entry.Points - entry.Owed + followers.Where(row => row.Kind == EntryKind.Expired).Sum(row => row.Points);
        return points != 0 && (entry.Kind == EntryKind.Earned || entry.Reason == PointTransaction.Adjusted)
            ? new Booking(entry.UserId, -points, EntryKind.Reversed, PointTransaction.ReversedPoints, $"reversal:{entry.Id}")
            {
                Rule = entry.Rule,
                RuleVersion = entry.RuleVersion,
                Reference = entry.Reference,
                Category = entry.Category,
                Area = entry.Area,
                Reverses = entry.Id,
            }
            : null;
    }

    private static async Task<Results<Ok<Page<AdjustmentResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.AllBitsSet;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.Transactions.AsNoTracking().Where(entry => entry.Actor != null && entry.Id < before)
            .OrderByDescending(entry => entry.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, AdjustmentResponse.Of, last => Cursor.Encode(last.Id)));
    }

    private static async Task<Created<AdjustmentResponse>> BookAsync(
        IReadOnlyCollection<Booking> bookings, PointsLedger ledger, UnitOfWork work, CancellationToken cancellationToken)
    {
        var entries = await ledger.BookAsync(bookings, cancellationToken);
        var answer = await work.CommitAsync(TypedResults.Created(Path, AdjustmentResponse.Of(entries[0])), cancellationToken);
        await ledger.CommittedAsync(CancellationToken.None); // it is committed
        return answer;
    }

    private static async Task<bool> IsErasedAsync(GamificationDbContext database, Guid userId, CancellationToken cancellationToken) =>
        userId == ErasedUser.Id
        || await database.Database.SqlQuery<bool>($"""SELECT EXISTS (SELECT FROM erased_users WHERE user_id = {userId}) AS "Value" """).SingleAsync(cancellationToken);
}
