using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Achievements;

/// <summary>A level.</summary>
/// <param name="Level" example="2">Its number.</param>
/// <param name="Threshold" example="50">The points, earned and kept, at which it begins.</param>
internal sealed record LevelResponse(int Level, long Threshold);

/// <summary>All levels.</summary>
/// <param name="Thresholds" example="[0, 50, 150]">The points at which each level begins, from level 1, which begins at 0. At most 100.</param>
public sealed record LevelsRequest(IReadOnlyList<long> Thresholds);

internal static class LevelEndpoints
{
    /// <summary>How old a cached list may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    public static IEndpointRouteBuilder MapLevels(this IEndpointRouteBuilder endpoints)
    {
        var levels = endpoints.MapGroup("/api/v1/gamification/levels").WithTags("Achievements");
        levels.MapGet("", ListAsync).AllowAnonymous().WithPublicCache(MaxAge).WithName("ListLevels").WithSummary("List the levels and where they begin");
        levels.MapPut("", PutAsync).RequireAuthorization(Policies.Admin).WithName("PutLevels").WithSummary("Replace the levels")
            .WithDescription("Users have their new levels within a minute. Achievements for a level are kept; new ones are unlocked by the next points.");
        return endpoints;
    }

    private static async Task<Ok<Page<LevelResponse>>> ListAsync(GamificationDbContext database, CancellationToken cancellationToken) =>
        TypedResults.Ok(ToPage(await database.Levels.OrderBy(level => level.Number).Select(level => level.Threshold).ToListAsync(cancellationToken)));

    private static async Task<Results<Ok<Page<LevelResponse>>, ValidationProblem>> PutAsync(
        LevelsRequest request, GamificationDbContext database, LevelCache levels, CancellationToken cancellationToken)
    {
        var thresholds = request.Thresholds;
        if (thresholds.Count > Level.Most || thresholds is not [0, ..] || thresholds.Zip(thresholds.Skip(1)).Any(pair => pair.First >= pair.Second))
        {
            return Error.Field("thresholds", "Must be 1 to 100 numbers that begin with 0, each greater than the one before.");
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken); // one change at a time, and none while achievements are unlocked
        await database.Levels.ExecuteDeleteAsync(cancellationToken);
        database.Levels.AddRange(thresholds.Select((threshold, index) => new Level { Number = index + 1, Threshold = threshold }));
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        levels.Forget();
        return TypedResults.Ok(ToPage(thresholds));
    }

    private static Page<LevelResponse> ToPage(IReadOnlyList<long> thresholds) =>
        new([.. thresholds.Select((threshold, index) => new LevelResponse(index + 1, threshold))], NextCursor: null);
}
