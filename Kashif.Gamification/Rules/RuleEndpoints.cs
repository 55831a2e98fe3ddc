using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Rules;

/// <summary>What earns how many points.</summary>
/// <param name="Version" example="2">The version.</param>
/// <param name="Status">Whether it is in force.</param>
/// <param name="ActivatedAt">From then on events are judged by this version.</param>
/// <param name="Lines">The lines. For an event, the most specific line of each code applies: category and area, category, area, all.</param>
internal sealed record RulesResponse(int Version, RuleStatus Status, DateTimeOffset? ActivatedAt, IReadOnlyList<RuleLineRequest> Lines);

/// <summary>A version of the rules.</summary>
/// <param name="Version" example="2">The version.</param>
/// <param name="Status">A draft can be changed; the active one judges new events, a retired one late events of its time.</param>
/// <param name="Note" example="Double points for potholes in December">What is new.</param>
/// <param name="CreatedBy">Who wrote it; null for the version that ships with the service.</param>
/// <param name="CreatedAt">When it was written.</param>
/// <param name="ActivatedBy">Who activated it.</param>
/// <param name="ActivatedAt">From then on events are judged by this version; null for a draft.</param>
/// <param name="Lines">The lines.</param>
internal sealed record RuleVersionResponse(
    int Version, RuleStatus Status, string? Note, Guid? CreatedBy, DateTimeOffset CreatedAt, Guid? ActivatedBy, DateTimeOffset? ActivatedAt,
    IReadOnlyList<RuleLineRequest> Lines)
{
    public static RuleVersionResponse Of(RuleVersion version) => new(
        version.Version, version.Status, version.Note, version.CreatedBy, version.CreatedAt, version.ActivatedBy, version.ActivatedAt,
        [.. version.Lines.OrderBy(line => line.Number).Select(RuleLineRequest.Of)]);
}

/// <summary>The rules, and their versions for administrators.</summary>
internal static class RuleEndpoints
{
    private const string Path = "/api/v1/gamification/rules";

    /// <summary>Events may be a little ahead of this clock, but no event can put an activation off for longer.</summary>
    private static readonly TimeSpan LargestSkew = TimeSpan.FromMinutes(1);

    private static Error NotFound { get; } = Error.NotFound("Rules not found.");

    private static Error NotDraft { get; } = Error.Conflict("not_draft", "Only a draft can be changed or activated.");

    public static IEndpointRouteBuilder MapRules(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("Rules").RequireAuthorization(Policies.Admin);
        endpoints.MapGet(Path, GetAsync).AllowAnonymous().WithTags("Rules").WithPublicCache(TimeSpan.FromSeconds(5))
            .WithName("GetRules").WithSummary("Get the rules of points")
            .WithDescription("The active version, or another one that was active: the version of an entry is in its `rule_version`.")
            .WithProblems(404, NotFound.Code);
        group.MapGet("/versions", ListAsync).WithName("ListRuleVersions").WithSummary("List the versions of the rules, newest first");
        group.MapGet("/versions/{version:int}", GetVersionAsync).WithName("GetRuleVersion").WithSummary("Get a version of the rules, also a draft");
        group.MapPost("", CreateAsync).WithIdempotency().DisableValidation().WithName("CreateRules").WithSummary("Create a draft of the rules")
            .WithDescription("It awards nothing until it is activated. Try it with a dry run.");
        group.MapPut("/{version:int}", ReplaceAsync).DisableValidation().WithName("ReplaceRules").WithSummary("Replace a draft of the rules")
            .WithProblems(409, NotDraft.Code);
        group.MapPost("/{version:int}/activate", ActivateAsync).RequireAuthorization(Policies.Session)
            .WithName("ActivateRules").WithSummary("Activate a draft of the rules")
            .WithDescription("It judges the events from now on; late events of earlier are judged by the version of their time.")
            .WithProblems(409, NotDraft.Code);
        group.MapPost("/{version:int}/dry-run", DryRun.RunAsync)
            .WithName("TryRules").WithSummary("Dry-run rules on past events")
            .WithDescription("Judges all events of the period by this version, with its limits, vesting and reversals. Writes nothing.");
        return endpoints;
    }

    /// <param name="version" example="2">The version; the active one if it is left out.</param>
    private static async Task<Results<Ok<RulesResponse>, ProblemHttpResult>> GetAsync(
        [FromQuery(Name = "version")] int? version, GamificationDbContext database, CancellationToken cancellationToken) =>
        await database.RuleVersions.AsNoTracking().Include(row => row.Lines)
            .SingleOrDefaultAsync(row => version == null ? row.Status == RuleStatus.Active : row.Version == version && row.ActivatedAt != null, cancellationToken)
            is { } found
            ? TypedResults.Ok(new RulesResponse(found.Version, found.Status, found.ActivatedAt, RuleVersionResponse.Of(found).Lines))
            : NotFound.ToProblem();

    private static async Task<Results<Ok<Page<RuleVersionResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.RuleVersions.AsNoTracking().Include(row => row.Lines).Where(row => row.Version < before)
            .OrderByDescending(row => row.Version).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, RuleVersionResponse.Of, last => Cursor.Encode(last.Version)));
    }

    /// <param name="version" example="2">The version.</param>
    private static async Task<Results<Ok<RuleVersionResponse>, ProblemHttpResult>> GetVersionAsync(
        int version, GamificationDbContext database, CancellationToken cancellationToken) =>
        await FindAsync(version, database, cancellationToken) is { } found ? TypedResults.Ok(RuleVersionResponse.Of(found)) : NotFound.ToProblem();

    public static Task<RuleVersion?> FindAsync(int version, GamificationDbContext database, CancellationToken cancellationToken) =>
        database.RuleVersions.AsNoTracking().Include(row => row.Lines.OrderBy(line => line.Number)).SingleOrDefaultAsync(row => row.Version == version, cancellationToken);

    private static async Task<Results<Created<RuleVersionResponse>, ValidationProblem>> CreateAsync(
        RulesRequest request, HttpContext http, GamificationDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        if ((await RuleValidation.FindAsync(request, http, database, cancellationToken)).ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken); // numbers the drafts one by one
        var number = await database.RuleVersions.MaxAsync(row => row.Version, cancellationToken) + 1;
        var draft = new RuleVersion
        {
            Version = number,
            Status = RuleStatus.Draft,
            CreatedBy = http.User.UserId,
            CreatedAt = time.GetUtcNow(),
            Note = request.Note,
            Lines = [.. request.Lines.Select((line, index) => line.ToLine(number, index))],
        };
        database.Add(draft);
        return await work.CommitAsync(TypedResults.Created($"{Path}/versions/{number}", RuleVersionResponse.Of(draft)), cancellationToken);
    }

    /// <param name="version" example="2">The draft.</param>
    private static async Task<Results<Ok<RuleVersionResponse>, ValidationProblem, ProblemHttpResult>> ReplaceAsync(
        int version, RulesRequest request, HttpContext http, GamificationDbContext database, CancellationToken cancellationToken)
    {
        if ((await RuleValidation.FindAsync(request, http, database, cancellationToken)).ToProblem() is { } invalid)
        {
            return invalid;
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var (draft, error) = await LockDraftAsync(version, database, cancellationToken);
        if (draft is null)
        {
            return error.ToProblem();
        }

        await database.RuleLines.Where(line => line.Version == version).ExecuteDeleteAsync(cancellationToken);
        draft.Note = request.Note;
        draft.Lines.AddRange(request.Lines.Select((line, index) => line.ToLine(version, index)));
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Ok(RuleVersionResponse.Of(draft));
    }

    /// <param name="version" example="2">The draft.</param>
    private static async Task<Results<Ok<RuleVersionResponse>, ProblemHttpResult>> ActivateAsync(
        int version, ClaimsPrincipal user, GamificationDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var (draft, error) = await LockDraftAsync(version, database, cancellationToken);
        if (draft is null)
        {
            return error.ToProblem();
        }

        // After every event that was judged by a version before, because clocks differ.
        var now = time.GetUtcNow();
        var last = await database.RuleVersions.MaxAsync(row => row.ActivatedAt, cancellationToken);
        var newest = await database.ReportEvents.Where(entry => entry.At <= now + LargestSkew).MaxAsync(entry => (DateTimeOffset?)entry.At, cancellationToken);
        draft.ActivatedAt = new[] { now, last?.AddMicroseconds(1) ?? now, newest?.AddMicroseconds(1) ?? now }.Max();
        draft.ActivatedBy = user.UserId;
        draft.Status = RuleStatus.Active;
        await database.RuleVersions.Where(row => row.Status == RuleStatus.Active)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, RuleStatus.Retired), cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        var active = await FindAsync(version, database, cancellationToken);
        return active is null ? NotFound.ToProblem() : TypedResults.Ok(RuleVersionResponse.Of(active));
    }

    /// <summary>Takes the lock of the awards: one change of the rules at a time, and no event is judged meanwhile.</summary>
    private static async Task<(RuleVersion? Draft, Error Error)> LockDraftAsync(int version, GamificationDbContext database, CancellationToken cancellationToken)
    {
        await AwardLock.TakeAsync(database, cancellationToken);
        var found = await database.RuleVersions.SingleOrDefaultAsync(row => row.Version == version, cancellationToken);
        return found is null ? (null, NotFound) : found.Status != RuleStatus.Draft ? (null, NotDraft) : (found, NotFound);
    }
}
