using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using System.Text.Json.Serialization;
using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Achievements;

/// <summary>Something that users can achieve.</summary>
/// <param name="Code" example="streak_7">The code, for apps: to choose an icon.</param>
/// <param name="Title">The title.</param>
/// <param name="Description">What to do for it.</param>
/// <param name="Kind" example="streak">How apps group achievements.</param>
/// <param name="Metric" example="streak_days">What is counted.</param>
/// <param name="Threshold" example="7">The value of the metric that unlocks it.</param>
/// <param name="Category" example="pothole">Counts only the reports of this category; null counts all.</param>
/// <param name="Active" example="true">False: it cannot be unlocked any more.</param>
internal sealed record AchievementResponse(
    string Code, Bilingual Title, Bilingual Description, AchievementKind Kind, AchievementMetric Metric, int Threshold, string? Category, bool Active)
{
    public static AchievementResponse Of(Achievement row) => new(
        row.Code, new Bilingual(row.TitleEn, row.TitleAr), new Bilingual(row.DescriptionEn, row.DescriptionAr), row.Kind, row.Metric, row.Threshold, row.Category, row.Active);
}

/// <summary>An achievement and how far the caller is.</summary>
/// <param name="Code" example="streak_7">The code, for apps: to choose an icon.</param>
/// <param name="Title">The title.</param>
/// <param name="Description">What to do for it.</param>
/// <param name="Kind" example="streak">How apps group achievements.</param>
/// <param name="Threshold" example="7">The value that unlocks it.</param>
/// <param name="Value" example="3">The value now, at most `threshold`. Of a streak: the days in a row until today or yesterday.</param>
/// <param name="UnlockedAt">When the caller unlocked it; null if that is still to come.</param>
internal sealed record OwnAchievement(
    string Code, Bilingual Title, Bilingual Description, AchievementKind Kind, int Threshold, int Value, DateTimeOffset? UnlockedAt);

/// <summary>An achievement that a user has unlocked.</summary>
/// <param name="Code" example="streak_7">The code.</param>
/// <param name="Title">The title.</param>
/// <param name="Kind" example="streak">How apps group achievements.</param>
/// <param name="UnlockedAt">When the user unlocked it.</param>
internal sealed record UnlockedResponse(string Code, Bilingual Title, AchievementKind Kind, DateTimeOffset UnlockedAt)
{
    /// <returns>The user's achievements, newest first.</returns>
    public static Task<List<UnlockedResponse>> ListAsync(GamificationDbContext database, Guid userId, CancellationToken cancellationToken) => (
        from unlocked in database.UnlockedAchievements
        where unlocked.UserId == userId
        join achievement in database.Achievements on unlocked.Code equals achievement.Code
        orderby unlocked.UnlockedAt descending, unlocked.Code
        select new UnlockedResponse(unlocked.Code, new Bilingual(achievement.TitleEn, achievement.TitleAr), achievement.Kind, unlocked.UnlockedAt)).ToListAsync(cancellationToken);
}

/// <summary>An achievement's definition.</summary>
/// <param name="Title">The title.</param>
/// <param name="Description">What to do for it.</param>
/// <param name="Kind" example="badge">How apps group achievements.</param>
/// <param name="Metric" example="reports_verified">What is counted. `reports_verified` and `reports_resolved` do not count what the reporter did; `points` and `level` count points that are earned and not taken back.</param>
/// <param name="Threshold" example="5">The value of the metric that unlocks it; at most 366 days, 100 levels.</param>
/// <param name="Category" example="pothole">Counts only the reports of this category; null counts all. Only for metrics of reports.</param>
/// <param name="Active" example="true">False: it cannot be unlocked any more; users keep it.</param>
public sealed record AchievementRequest(
    Bilingual Title,
    Bilingual Description,
    [property: JsonRequired] AchievementKind Kind,
    [property: JsonRequired] AchievementMetric Metric,
    [property: JsonRequired, Between(1, 1_000_000)] int Threshold,
    [property: Identifier(Achievement.CategoryLength)] string? Category = null,
    bool Active = true);

internal static class AchievementEndpoints
{
    public const string CodePattern = "^[a-z0-9][a-z0-9_-]{0,49}$";
    public const string InvalidCode = "Must be 1 to 50 of a-z, 0-9, _ and -.";

    /// <summary>How old a cached list may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    public static IEndpointRouteBuilder MapAchievements(this IEndpointRouteBuilder endpoints)
    {
        var achievements = endpoints.MapGroup("/api/v1/gamification/achievements").WithTags("Achievements").RequireAuthorization();
        achievements.MapGet("", ListAsync).AllowAnonymous().WithPublicCache(MaxAge).WithName("ListAchievements").WithSummary("List achievements");
        achievements.MapGet("/me", ListMineAsync).WithName("ListMyAchievements").WithSummary("List my achievements and my progress");
        var administration = achievements.MapGroup("").RequireAuthorization(Policies.Admin);
        administration.MapGet("/{code:minlength(3)}", GetAsync).WithName("GetAchievement").WithSummary("Get an achievement, also one that is not active");
        administration.MapPut("/{code:minlength(3)}", PutAsync).WithName("PutAchievement").WithSummary("Create or replace an achievement")
            .WithDescription("A user who has reached it already unlocks it with the next report or points.").WithProblems(404, "not_found");
        return endpoints;
    }

    private static async Task<Ok<Page<AchievementResponse>>> ListAsync(GamificationDbContext database, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<AchievementResponse>(
            (await Sorted(database.Achievements.Where(row => row.Active)).ToListAsync(cancellationToken)).ConvertAll(AchievementResponse.Of), NextCursor: null));

    private static async Task<Ok<Page<OwnAchievement>>> ListMineAsync(
        ClaimsPrincipal user, GamificationDbContext database, Progress progress, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var unlocked = await database.UnlockedAchievements.Where(row => row.UserId == userId)
            .ToDictionaryAsync(row => row.Code, row => row.UnlockedAt, cancellationToken);
        var shown = await Sorted(database.Achievements.Where(row => row.Active || unlocked.Keys.Contains(row.Code))).ToListAsync(cancellationToken);
        var values = await progress.OfAllAsync(userId, cancellationToken);
        var streak = await progress.StreakAsync(userId, cancellationToken);
        return TypedResults.Ok(new Page<OwnAchievement>(
            shown.ConvertAll(row => new OwnAchievement(
                row.Code, new Bilingual(row.TitleEn, row.TitleAr), new Bilingual(row.DescriptionEn, row.DescriptionAr), row.Kind, row.Threshold,
                values.TryGetValue(row.Code, out var value) ? value : Math.Min(streak, row.Threshold),
                unlocked.TryGetValue(row.Code, out var at) ? at : null)),
            NextCursor: null));
    }

    /// <param name="code" example="streak_7">The achievement's code.</param>
    private static async Task<Results<Ok<AchievementResponse>, ProblemHttpResult>> GetAsync(string code, GamificationDbContext database, CancellationToken cancellationToken) =>
        await database.Achievements.AsNoTracking().SingleOrDefaultAsync(row => row.Code == code, cancellationToken) is { } row
            ? TypedResults.Ok(AchievementResponse.Of(row))
            : Error.NotFound("Achievement not found.").ToProblem();

    /// <param name="code" example="streak_7">The achievement's code: 1 to 50 of a-z, 0-9, _ and -.</param>
    private static async Task<Results<Ok<AchievementResponse>, ValidationProblem>> PutAsync(
        [RegularExpression(CodePattern, ErrorMessage = InvalidCode)] string code, AchievementRequest request, GamificationDbContext database, CancellationToken cancellationToken)
    {
        if (request is { Metric: AchievementMetric.StreakDays, Threshold: > Achievement.LongestStreak } or { Metric: AchievementMetric.Level, Threshold: > Level.Most })
        {
            return Error.Field("threshold", "At most 366 days or 100 levels.");
        }

        if (request is { Category: not null, Metric: AchievementMetric.StreakDays or AchievementMetric.Points or AchievementMetric.Level })
        {
            return Error.Field("category", "Only for metrics of reports.");
        }

        var (title, description) = (request.Title.Trimmed(), request.Description.Trimmed());
        var rows = await database.Achievements
            .FromSql($"""
                INSERT INTO achievements (code, title_en, title_ar, description_en, description_ar, kind, metric, threshold, category, active)
                VALUES ({code}, {title.En}, {title.Ar}, {description.En}, {description.Ar}, {Achievement.Text(request.Kind)}, {Achievement.Text(request.Metric)},
                    {request.Threshold}, {request.Category}, {request.Active})
                ON CONFLICT (code) DO UPDATE SET title_en = excluded.title_en, title_ar = excluded.title_ar, description_en = excluded.description_en,
                    description_ar = excluded.description_ar, kind = excluded.kind, metric = excluded.metric, threshold = excluded.threshold,
                    category = excluded.category, active = excluded.active
                RETURNING *
                """)
            .AsNoTracking().ToListAsync(cancellationToken);
        return TypedResults.Ok(AchievementResponse.Of(rows.Single()));
    }

    private static IQueryable<Achievement> Sorted(IQueryable<Achievement> achievements) =>
        achievements.AsNoTracking().OrderBy(row => row.Kind).ThenBy(row => row.Threshold).ThenBy(row => row.Code);
}
