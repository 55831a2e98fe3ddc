using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Areas;

/// <summary>A part of the city: a circle.</summary>
/// <param name="Code" example="old_town">The area's code, for `area` of a leaderboard.</param>
/// <param name="Name">The area's name.</param>
/// <param name="Latitude" example="33.5116">The centre's latitude in degrees (WGS 84).</param>
/// <param name="Longitude" example="36.3064">The centre's longitude in degrees (WGS 84).</param>
/// <param name="RadiusKm" example="1.2">The radius in kilometres.</param>
internal sealed record AreaResponse(string Code, Bilingual Name, double Latitude, double Longitude, double RadiusKm)
{
    public static AreaResponse Of(Area area) => new(area.Code, new Bilingual(area.NameEn, area.NameAr), area.Latitude, area.Longitude, area.RadiusKm);
}

/// <summary>A part of the city: a circle. Where circles overlap, a report belongs to the smallest.</summary>
/// <param name="Name">The area's name, each at most 100 characters.</param>
/// <param name="Latitude" example="33.5116">The centre's latitude in degrees (WGS 84).</param>
/// <param name="Longitude" example="36.3064">The centre's longitude in degrees (WGS 84).</param>
/// <param name="RadiusKm" example="1.2">The radius in kilometres.</param>
public sealed record AreaRequest(
    Bilingual Name,
    [property: JsonRequired, Between(-90d, 90d)] double Latitude,
    [property: JsonRequired, Between(-180d, 180d)] double Longitude,
    [property: JsonRequired, Between(0d, 500d, MinimumIsExclusive = true)] double RadiusKm);

internal static class AreaEndpoints
{
    /// <summary>How old a cached list may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private static Error InUse { get; } = Error.Conflict("area_in_use", "Rules use this area. Activate rules without it first, and remove it from drafts.");

    public static IEndpointRouteBuilder MapAreas(this IEndpointRouteBuilder endpoints)
    {
        var areas = endpoints.MapGroup("/api/v1/gamification/areas").WithTags("Areas").RequireAuthorization(Policies.Admin);
        areas.MapGet("", ListAsync).AllowAnonymous().WithPublicCache(MaxAge).WithName("ListAreas").WithSummary("List the areas of the city");
        areas.MapPut("/{code}", PutAsync).WithName("PutArea").WithSummary("Create or replace an area")
            .WithDescription("Reports get the area when their points are booked: a change does not move points.").WithProblems(404, "not_found");
        areas.MapDelete("/{code}", DeleteAsync).WithName("DeleteArea").WithSummary("Delete an area")
            .WithDescription("Its points and its leaderboards stay. Returns 409 while the rules in force or a draft use it.").WithProblems(409, "area_in_use");
        return endpoints;
    }

    private static async Task<Ok<Page<AreaResponse>>> ListAsync(GamificationDbContext database, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<AreaResponse>(
            (await database.Areas.AsNoTracking().OrderBy(area => area.Code).ToListAsync(cancellationToken)).ConvertAll(AreaResponse.Of), NextCursor: null));

    /// <param name="code" example="old_town">The area's code: 1 to 50 of a-z, 0-9, _ and -.</param>
    private static async Task<Results<Ok<AreaResponse>, ValidationProblem>> PutAsync(
        [RegularExpression(AchievementEndpoints.CodePattern, ErrorMessage = AchievementEndpoints.InvalidCode)] string code, AreaRequest request,
        GamificationDbContext database, CancellationToken cancellationToken)
    {
        var name = request.Name.Trimmed();
        if (name.En.Length > Area.NameLength || name.Ar.Length > Area.NameLength)
        {
            return Error.Field("name", Localized.Format($"At most {Area.NameLength} characters."));
        }

        var rows = await database.Areas
            .FromSql($"""
                INSERT INTO areas (code, name_en, name_ar, latitude, longitude, radius_km)
                VALUES ({code}, {name.En}, {name.Ar}, {request.Latitude}, {request.Longitude}, {request.RadiusKm})
                ON CONFLICT (code) DO UPDATE SET name_en = excluded.name_en, name_ar = excluded.name_ar,
                    latitude = excluded.latitude, longitude = excluded.longitude, radius_km = excluded.radius_km
                RETURNING *
                """)
            .AsNoTracking().ToListAsync(cancellationToken);
        return TypedResults.Ok(AreaResponse.Of(rows.Single()));
    }

    /// <param name="code" example="old_town">The area's code.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string code, GamificationDbContext database, CancellationToken cancellationToken)
    {
        // In SQL, because the rules know the areas and not the other way round.
        var deleted = await database.Database.ExecuteSqlAsync($"""
            DELETE FROM areas WHERE code = {code} AND NOT EXISTS (
                SELECT FROM rule_lines JOIN rule_versions USING (version) WHERE area = {code} AND rule_versions.status <> 'retired')
            """, cancellationToken);
        return deleted == 1 ? TypedResults.NoContent()
            : await database.Areas.AnyAsync(area => area.Code == code, cancellationToken) ? InUse.ToProblem()
            : Error.NotFound("Area not found.").ToProblem();
    }
}
