using System.Security.Claims;
using System.Text.Json;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Agencies;

/// <summary>A new area.</summary>
/// <param name="NameEn" example="Old town">The name in English, unique among areas.</param>
/// <param name="NameAr" example="المدينة القديمة">The name in Arabic.</param>
/// <param name="Geometry" example='{"type": "Polygon", "coordinates": [[[36.2, 33.4], [36.4, 33.4], [36.4, 33.6], [36.2, 33.6], [36.2, 33.4]]]}'>The boundary: a `Polygon` or `MultiPolygon` of GeoJSON, of at most 20,000 positions. A line takes the short way around the earth; a boundary is cut at the antimeridian.</param>
/// <param name="AgencyId">The agency that is responsible there; null for none.</param>
/// <param name="Categories" example='["water_leak"]'>The categories that the agency is responsible for; empty or null for all.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record AreaRequest(
    [property: Name(CityArea.NameMax)] string NameEn,
    [property: Name(CityArea.NameMax)] string NameAr,
    JsonElement Geometry,
    Guid? AgencyId = null,
    IReadOnlyList<string>? Categories = null);

/// <summary>A change of an area. Fields that are left out do not change.</summary>
/// <param name="NameEn" example="Old town">The name in English, unique among areas.</param>
/// <param name="NameAr" example="المدينة القديمة">The name in Arabic.</param>
/// <param name="Geometry" example='{"type": "Polygon", "coordinates": [[[36.2, 33.4], [36.4, 33.4], [36.4, 33.6], [36.2, 33.6], [36.2, 33.4]]]}'>The boundary: a `Polygon` or `MultiPolygon` of GeoJSON.</param>
/// <param name="AgencyId">The agency that is responsible there; null for none.</param>
/// <param name="Categories" example='["water_leak"]'>The categories that the agency is responsible for; empty for all.</param>
public sealed record AreaChange(
    [property: Name(CityArea.NameMax)] string? NameEn = null,
    [property: Name(CityArea.NameMax)] string? NameAr = null,
    JsonElement? Geometry = null,
    Guid? AgencyId = null,
    IReadOnlyList<string>? Categories = null);

/// <summary>What an area is besides its boundary.</summary>
/// <param name="Name">The name.</param>
/// <param name="AgencyId">The agency that is responsible there; null for none.</param>
/// <param name="Categories" example='["water_leak"]'>The categories that the agency is responsible for; empty for all.</param>
/// <param name="SquareMetres" example="410000000">Its size: of two areas that hold a place, the smaller one wins.</param>
/// <param name="Version" example="1">1 when created, incremented at each change: the `ETag`.</param>
internal sealed record AreaProperties(Name Name, Guid? AgencyId, IReadOnlyList<string> Categories, double SquareMetres, int Version)
{
    public static AreaProperties Of(CityArea area) => new(new Name(area.NameEn, area.NameAr), area.AgencyId, area.Categories, Math.Round(area.SquareMetres), area.Version);
}

/// <summary>An area as a `Feature` of GeoJSON.</summary>
/// <param name="Type" example="Feature">Always `Feature`.</param>
/// <param name="Id">The area's id.</param>
/// <param name="Geometry">The boundary.</param>
/// <param name="Properties">What the area is.</param>
internal sealed record AreaFeature(string Type, Guid Id, AreaShape Geometry, AreaProperties Properties)
{
    public static AreaFeature Of(CityArea area) => new("Feature", area.Id, AreaGeometry.Write(area.Boundary), AreaProperties.Of(area));
}

/// <summary>Areas as a `FeatureCollection` of GeoJSON.</summary>
/// <param name="Type" example="FeatureCollection">Always `FeatureCollection`.</param>
/// <param name="Features">The areas of this page; empty if there are none.</param>
/// <param name="NextCursor" example="MDE5OGYwYTAtMTExMS03MDAwLTgwMDAtMDAwMDAwMDAwMDAx">The <c>cursor</c> of the next page; null on the last page.</param>
internal sealed record AreaCollection(string Type, IReadOnlyList<AreaFeature> Features, string? NextCursor);

/// <summary>The filter of the list of areas.</summary>
public sealed class AreaFilter
{
    /// <summary>Only areas of this agency.</summary>
    [FromQuery(Name = "agency")]
    public Guid? Agency { get; set; }

    /// <summary>Only areas that this box touches: <c>west,south,east,north</c> in degrees. West may be greater than east: then the box crosses the antimeridian.</summary>
    /// <example>36.2,33.4,36.4,33.6</example>
    [FromQuery(Name = "bbox"), Text(100)]
    public string? Bbox { get; set; }

    /// <summary>Words that all occur in a name, in upper or lower case.</summary>
    /// <example>town</example>
    [FromQuery(Name = "q"), Text(100)]
    public string? Query { get; set; }
}

internal static class AreaEndpoints
{
    public const string Path = "/api/v1/reports/areas";

    /// <summary>Of the city: the routing of a report has them in memory.</summary>
    public const int MostAreas = 2_000;
    private const int MostCategories = 50;

    private static Error NotFound { get; } = Error.NotFound("Area not found.");

    public static Error NameTaken { get; } = Error.Conflict("name_taken", "This name is already taken.");

    public static Error TooMany { get; } = Error.Rule("too_many_areas", "The city can have at most 2,000 areas.");

    public static IEndpointRouteBuilder MapAreas(this IEndpointRouteBuilder endpoints)
    {
        var areas = endpoints.MapGroup(Path).WithTags(AgencyEndpoints.Tag);
        areas.MapGet("/", ListAsync).DisableValidation().AllowAnonymous().WithPublicCache(AgencyRouting.Lifetime)
            .WithName("ListCityAreas").WithSummary("List the city's areas as GeoJSON, oldest first");
        areas.MapGet("/{id:guid}", GetAsync).AllowAnonymous().WithEntityTag().WithName("GetCityArea").WithSummary("Get an area as GeoJSON");
        areas.MapPost("/", CreateAsync).RequireAuthorization(Policies.Admin).WithIdempotency().DisableValidation()
            .WithName("CreateCityArea").WithSummary("Create an area")
            .WithDescription("Open reports are routed again in the background, except reports that staff routed by hand.")
            .WithProblems(409, "name_taken").WithProblems(422, "too_many_areas");
        areas.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(Policies.Admin).DisableValidation()
            .WithName("ChangeCityArea").WithSummary("Change an area")
            .WithDescription("Open reports are routed again in the background, except reports that staff routed by hand.")
            .WithIfMatch("area").WithProblems(409, "name_taken", "changed_meanwhile");
        areas.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(Policies.Admin)
            .WithName("DeleteCityArea").WithSummary("Delete an area")
            .WithDescription("Its open reports are routed again in the background, except reports that staff routed by hand.")
            .WithIfMatch("area").WithProblems(409, "changed_meanwhile");
        return endpoints;
    }

    private static async Task<Results<Ok<AreaCollection>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, [AsParameters] AreaFilter filter, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, page, filter);
        var after = Guid.Empty;
        errors.Add("cursor", page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after) ? Cursor.Invalid : null);
        var box = string.IsNullOrEmpty(filter.Bbox) ? null : BoundingBox.Parse(filter.Bbox);
        errors.Add("bbox", box is null && filter.Bbox is not null ? BoundingBox.Invalid : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var areas = database.Areas.AsNoTracking().Where(area => area.Id > after);
        areas = filter.Agency is { } agency ? areas.Where(area => area.AgencyId == agency) : areas;
        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            areas = areas.Where(area => EF.Functions.ILike(area.NameEn, pattern, @"\") || EF.Functions.ILike(area.NameAr, pattern, @"\"));
        }

        if (box is not null)
        {
            var factory = new GeometryFactory(new PrecisionModel(), 4326);
            var parts = factory.BuildGeometry([.. box.Longitudes.Select(part => factory.ToGeometry(new Envelope(part.West, part.East, box.South, box.North)))]);
            areas = areas.Where(area => area.Boundary.Intersects(parts));
        }

        var rows = await areas.OrderBy(area => area.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        var found = Page.Of(rows, page.Size, AreaFeature.Of, last => Cursor.Encode(last.Id));
        return TypedResults.Ok(new AreaCollection("FeatureCollection", found.Items, found.NextCursor));
    }

    /// <param name="id">The area's id.</param>
    private static async Task<Results<Ok<AreaFeature>, StatusCodeHttpResult, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Areas.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } area)
        {
            return NotFound.ToProblem();
        }

        return http.IsKnown(area.Version) ? TypedResults.StatusCode(StatusCodes.Status304NotModified) : TypedResults.Ok(AreaFeature.Of(area));
    }

    private static async Task<Results<Created<AreaFeature>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        AreaRequest request, HttpContext http, ReportingDbContext database, CategoryCache categories, UnitOfWork work, AgencyRouting routing, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        var (boundary, fault) = AreaGeometry.Read(request.Geometry);
        errors.Add("geometry", fault);
        errors.Add("categories", await CategoriesErrorAsync(request.Categories, categories, cancellationToken));
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        if (errors.ToProblem() is { } invalid || boundary is null)
        {
            return errors.ToProblem() ?? throw new InvalidOperationException("Neither a boundary nor an error.");
        }

        var now = time.GetUtcNow();
        var area = new CityArea
        {
            Id = Guid.CreateVersion7(now),
            NameEn = request.NameEn.Trim().Normalize(),
            NameAr = request.NameAr.Trim().Normalize(),
            AgencyId = request.AgencyId,
            Categories = [.. (request.Categories ?? []).Distinct()],
            Boundary = boundary,
            SquareMetres = AreaGeometry.SquareMetres(boundary),
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        await AreaLock.TakeAsync(database, cancellationToken);
        if (await database.Areas.CountAsync(cancellationToken) >= MostAreas)
        {
            return TooMany.ToProblem();
        }

        database.Add(area);
        database.Audit(http.User, "created", area, now);
        database.RouteAgain(http.User.UserId, now);
        Created<AreaFeature> created;
        try
        {
            created = await work.CommitAsync(TypedResults.Created($"{Path}/{area.Id}", AreaFeature.Of(area)), cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return NameTaken.ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }

        routing.Expire();
        http.SendVersion(area.Version);
        return created;
    }

    /// <param name="id">The area's id.</param>
    private static async Task<Results<Ok<AreaFeature>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, AreaChange request, HttpContext http, ReportingDbContext database, CategoryCache categories, UnitOfWork work, AgencyRouting routing, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        var (boundary, fault) = request.Geometry is { } geometry ? AreaGeometry.Read(geometry) : default;
        errors.Add("geometry", fault);
        errors.Add("categories", await CategoriesErrorAsync(request.Categories, categories, cancellationToken));
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (await database.Areas.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } area)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(area.Version))
        {
            return Versions.Stale.ToProblem();
        }

        area.NameEn = request.NameEn?.Trim().Normalize() ?? area.NameEn;
        area.NameAr = request.NameAr?.Trim().Normalize() ?? area.NameAr;
        database.Change(
            area, boundary, http.Clears("agency_id") ? null : request.AgencyId ?? area.AgencyId, [.. (request.Categories ?? area.Categories).Distinct()], http.User, time.GetUtcNow());
        try
        {
            await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return http.LostRace().ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return NameTaken.ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }

        routing.Expire();
        http.SendVersion(area.Version);
        return TypedResults.Ok(AreaFeature.Of(area));
    }

    /// <param name="id">The area's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, UnitOfWork work, AgencyRouting routing, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await database.Areas.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } area)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(area.Version))
        {
            return Versions.Stale.ToProblem();
        }

        var now = time.GetUtcNow();
        database.Remove(area);
        database.Audit(http.User, "deleted", area, now);
        database.RouteAgain(http.User.UserId, now);
        NoContent answer;
        try
        {
            answer = await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return http.LostRace().ToProblem();
        }

        routing.Expire();
        return answer;
    }

    /// <summary>Changes an area, if anything of it differs: with a new version and an entry of the audit trail, and routes reports again if it may matter to them.</summary>
    /// <param name="boundary">Null: it stays.</param>
    /// <returns>Whether it has changed.</returns>
    public static bool Change(
        this ReportingDbContext database, CityArea area, MultiPolygon? boundary, Guid? agency, string[] categories, ClaimsPrincipal user, DateTimeOffset now)
    {
        var reroutes = area.AgencyId != agency || !area.Categories.SequenceEqual(categories);
        if (reroutes)
        {
            (area.AgencyId, area.Categories) = (agency, categories);
        }

        if (boundary?.EqualsExact(area.Boundary) == false)
        {
            (area.Boundary, area.SquareMetres, reroutes) = (boundary, AreaGeometry.SquareMetres(boundary), true);
        }

        if (database.Entry(area).State is not EntityState.Modified)
        {
            return false;
        }

        area.Version++;
        database.Audit(user, "changed", area, now);
        if (reroutes && !database.ChangeTracker.Entries<RoutingChange>().Any())
        {
            database.RouteAgain(user.UserId, now);
        }

        return true;
    }

    public static void Audit(this ReportingDbContext database, ClaimsPrincipal user, string action, CityArea area, DateTimeOffset now) => database.Audit(
        user.UserId, action, "area", area.Id, area.AgencyId, JsonSerializer.SerializeToElement(AreaProperties.Of(area), ReportingJson.Default.AreaProperties), now);

    public static async Task<string?> CategoriesErrorAsync(IReadOnlyList<string>? codes, CategoryCache categories, CancellationToken cancellationToken)
    {
        if (codes?.Count > MostCategories)
        {
            return Localized.Format($"Send at most {MostCategories} values.");
        }

        foreach (var code in codes ?? [])
        {
            if (await categories.ValidateFilterAsync(code, cancellationToken) is { } error)
            {
                return error;
            }
        }

        return null;
    }
}
