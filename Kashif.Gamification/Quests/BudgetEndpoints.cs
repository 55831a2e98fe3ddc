using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Quests;

/// <summary>A new budget.</summary>
/// <param name="Name" example="Corner Café, spring">The name, unique among budgets.</param>
/// <param name="EndsAt" example="2027-06-01T00:00:00Z">When it ends and its quests are closed to new users. After <c>starts_at</c>.</param>
/// <param name="Points" example="5000">The points that it may pay. 0 for a budget of a partner: an admin adds the points.</param>
/// <param name="StartsAt" example="2027-03-01T00:00:00Z">When it begins; null means now.</param>
/// <param name="Sponsor" example="Corner Café">Who pays; null for the city.</param>
/// <param name="CompanyId" example="7">The company of the sponsor, whose partners manage the budget; null if it has none. Partners set one of their own.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record BudgetRequest(
    [Name(Budget.NameLength)] string Name,
    DateTimeOffset EndsAt,
    [Between(0, Budget.MaxPoints)] int Points = 0,
    DateTimeOffset? StartsAt = null,
    [Title(1, Budget.NameLength)] string? Sponsor = null,
    [Between(1, int.MaxValue)] int? CompanyId = null);

/// <summary>More points for a budget.</summary>
/// <param name="Points" example="1000">The points to add.</param>
public sealed record TopUpRequest([Between(1, Budget.MaxPoints)] int Points);

/// <summary>Points that a sponsor pays for quests. `reserved` + `spent` is never more than `points`.</summary>
/// <param name="Id" example="3">The budget's id.</param>
/// <param name="Name" example="Corner Café, spring">The name.</param>
/// <param name="Sponsor" example="Corner Café">Who pays; null for the city.</param>
/// <param name="CompanyId" example="7">The company of the sponsor; null if it has none.</param>
/// <param name="Points" example="5000">All points granted.</param>
/// <param name="Reserved" example="400">The rewards of users who have joined a quest and may still complete it.</param>
/// <param name="Spent" example="1200">What was paid.</param>
/// <param name="StartsAt" example="2027-03-01T00:00:00Z">When it begins.</param>
/// <param name="EndsAt" example="2027-06-01T00:00:00Z">When it ends.</param>
internal sealed record BudgetResponse(
    int Id, string Name, string? Sponsor, int? CompanyId, long Points, long Reserved, long Spent, DateTimeOffset StartsAt, DateTimeOffset EndsAt)
{
    public static BudgetResponse Of(Budget budget) => new(
        budget.Id, budget.Name, budget.Sponsor, budget.CompanyId, budget.Points, budget.Reserved, budget.Spent, budget.StartsAt, budget.EndsAt);
}

internal static class BudgetEndpoints
{
    public const string Path = "/api/v1/gamification/budgets";

    private static Error NotFound { get; } = Error.NotFound("Budget not found.");

    public static IEndpointRouteBuilder MapBudgets(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("Quests").RequireAuthorization(Policies.Partner);
        group.MapGet("/", ListAsync).WithName("ListBudgets").WithSummary("List the budgets that I manage, oldest first")
            .WithDescription("An admin manages all budgets, a partner those of the assigned companies.");
        group.MapPost("/", CreateAsync).WithIdempotency().DisableValidation()
            .WithName("CreateBudget").WithSummary("Create a budget for quests").WithProblems(409, "name_taken")
            .WithDescription("A partner creates it without points, for a company of their own; an admin adds the points.");
        group.MapPost("/{id:int}/top-up", TopUpAsync).RequireAuthorization(Policies.Admin).WithIdempotency()
            .WithName("TopUpBudget").WithSummary("Add points to a budget");
        return endpoints;
    }

    private static async Task<Results<Ok<Page<BudgetResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var after = 0;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.ManagedBudgets(user).AsNoTracking().Where(budget => budget.Id > after).OrderBy(budget => budget.Id)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, BudgetResponse.Of, last => Cursor.Encode(last.Id)));
    }

    private static async Task<Results<Created<BudgetResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        BudgetRequest request, HttpContext http, GamificationDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var startsAt = request.StartsAt ?? now;
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("ends_at", request.EndsAt <= startsAt ? "Must be after starts_at." : null);
        if (!http.User.IsInRole(Roles.Admin))
        {
            var isOwn = await database.CompaniesOf(http.User.UserId).AnyAsync(company => company == request.CompanyId, cancellationToken);
            errors.Add("company_id", isOwn ? null : request.CompanyId is null ? "This field is required." : "Company not found.");
            errors.Add("points", request.Points > 0 ? "Must be 0: an admin adds the points." : null);
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var budget = new Budget
        {
            Name = request.Name.Trim(),
            Points = request.Points,
            Sponsor = request.Sponsor?.Trim(),
            CompanyId = request.CompanyId,
            StartsAt = startsAt,
            EndsAt = request.EndsAt,
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Budgets.Add(budget);
        try
        {
            await database.SaveChangesAsync(cancellationToken); // generates the id
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return Error.Conflict("name_taken", "This name is already taken.").ToProblem();
        }

        return await work.CommitAsync(TypedResults.Created(Path, BudgetResponse.Of(budget)), cancellationToken);
    }

    /// <param name="id" example="3">The budget's id.</param>
    private static async Task<Results<Ok<BudgetResponse>, ProblemHttpResult>> TopUpAsync(
        int id, TopUpRequest request, GamificationDbContext database, UnitOfWork work, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var updated = await database.Budgets
            .FromSql($"UPDATE budgets SET points = points + {request.Points} WHERE id = {id} RETURNING *").AsNoTracking().ToListAsync(cancellationToken);
        return updated is [var budget]
            ? await work.CommitAsync(TypedResults.Ok(BudgetResponse.Of(budget)), cancellationToken)
            : NotFound.ToProblem();
    }
}
