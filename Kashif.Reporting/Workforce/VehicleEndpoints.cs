using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Managers;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>A new vehicle.</summary>
/// <param name="Name" example="Tipper 4">The name, for the staff.</param>
/// <param name="Plate" example="512-4471">The number plate, unique in the city.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record VehicleRequest(
    [property: Title(1, Vehicle.NameMax)] string Name,
    [property: Identifier(Vehicle.PlateMax)] string Plate,
    Guid? AgencyId = null);

/// <summary>A change of a vehicle. Fields that are left out do not change.</summary>
/// <param name="Name" example="Tipper 4">The name, for the staff.</param>
/// <param name="Plate" example="512-4471">The number plate, unique in the city.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Active" example="false">False: it gets no new work.</param>
public sealed record ChangeVehicleRequest(
    [property: Title(1, Vehicle.NameMax)] string? Name = null,
    [property: Identifier(Vehicle.PlateMax)] string? Plate = null,
    Guid? AgencyId = null,
    bool? Active = null);

/// <summary>A vehicle of the city.</summary>
/// <param name="Id">The vehicle's id.</param>
/// <param name="Name" example="Tipper 4">The name, for the staff.</param>
/// <param name="Plate" example="512-4471">The number plate.</param>
/// <param name="AgencyId">The agency that it belongs to; null for all.</param>
/// <param name="Active" example="true">False: it gets no new work.</param>
/// <param name="CreatedAt">When the entry was created.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record VehicleResponse(Guid Id, string Name, string Plate, Guid? AgencyId, bool Active, DateTimeOffset CreatedAt, int Version)
{
    public static VehicleResponse Of(Vehicle vehicle) => new(
        vehicle.Id, vehicle.Name, vehicle.Plate, vehicle.AgencyId, vehicle.Active, vehicle.CreatedAt, vehicle.Version);
}

/// <summary>The register of vehicles.</summary>
internal static class VehicleEndpoints
{
    private const string Path = "/api/v1/reports/vehicles";

    private static Error NotFound { get; } = Error.NotFound("Vehicle not found.");

    private static Error PlateTaken { get; } = Error.Conflict("plate_taken", "Another vehicle has this plate.");

    public static void MapVehicles(this IEndpointRouteBuilder endpoints)
    {
        var vehicles = endpoints.MapGroup(Path).WithTags("Workforce").RequireAuthorization(Policies.Staff);
        vehicles.MapGet("/", ListAsync).WithName("ListVehicles").WithSummary("List vehicles by name, plate and agency, newest first").WithDescription(Registers.WhoReads);
        vehicles.MapGet("/{id:guid}", GetAsync).WithName("GetVehicle").WithSummary("Get a vehicle").WithProblems(404, "not_found");
        vehicles.MapGet("/{id:guid}/history", HistoryAsync).WithName("GetVehicleHistory").WithSummary("Get a vehicle's history, newest first").WithProblems(404, "not_found");
        vehicles.MapPost("/", CreateAsync).RequireAuthorization(ManagerScope.Policy).WithIdempotency().DisableValidation()
            .WithName("CreateVehicle").WithSummary("Create a vehicle").WithDescription(Registers.WhoWrites).WithProblems(403, "forbidden").WithProblems(409, "plate_taken");
        vehicles.MapPatch("/{id:guid}", ChangeAsync).RequireAuthorization(ManagerScope.Policy).DisableValidation()
            .WithName("ChangeVehicle").WithSummary("Change a vehicle").WithDescription(Registers.WhoWrites).WithVersion().WithProblems(409, "plate_taken");
        vehicles.MapDelete("/{id:guid}", DeleteAsync).RequireAuthorization(ManagerScope.Policy)
            .WithName("DeleteVehicle").WithSummary("Delete a vehicle without work").WithDescription(Registers.WhoWrites).WithVersion().WithProblems(409, "in_use");
    }

    private static async Task<Results<Ok<Page<VehicleResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] RegisterFilter filter, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var vehicles = database.Vehicles.AsNoTracking().ReadBy(http.User).Matching(filter).Where(row => filter.Skill == null && (page.Cursor == null || row.Id < before));
        foreach (var pattern in SearchWords.Patterns(filter.Query))
        {
            vehicles = vehicles.Where(row => EF.Functions.ILike(row.Name, pattern, @"\") || EF.Functions.ILike(row.Plate, pattern, @"\"));
        }

        var rows = await vehicles.OrderByDescending(row => row.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, VehicleResponse.Of, row => Cursor.Encode(row.Id)));
    }

    /// <param name="id">The vehicle's id.</param>
    private static async Task<Results<Ok<VehicleResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (await database.Vehicles.AsNoTracking().ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } vehicle)
        {
            return NotFound.ToProblem();
        }

        http.SendVersion(vehicle.Version);
        return TypedResults.Ok(VehicleResponse.Of(vehicle));
    }

    /// <param name="id">The vehicle's id.</param>
    private static async Task<Results<Ok<Page<AuditEntryResponse>>, ValidationProblem, ProblemHttpResult>> HistoryAsync(
        Guid id, [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken) => await Registers.HistoryAsync(
            Vehicle.Kind, id, await database.Vehicles.ReadBy(http.User).AnyAsync(row => row.Id == id, cancellationToken), NotFound, page, database, cancellationToken);

    private static async Task<Results<Created<VehicleResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        VehicleRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (!http.User.Manages(request.AgencyId))
        {
            return Registers.NotManaged.ToProblem();
        }

        var now = time.GetUtcNow();
        var vehicle = new Vehicle
        {
            Id = Guid.CreateVersion7(now),
            Name = request.Name.Trim(),
            Plate = Plate(request.Plate),
            AgencyId = request.AgencyId,
            CreatedAt = now,
        };
        database.Add(vehicle);
        database.AuditValues(
            http.User.UserId, "created", Vehicle.Kind, vehicle.Id, vehicle.AgencyId,
            new JsonObject { ["name"] = vehicle.Name, ["plate"] = vehicle.Plate, ["agency_id"] = vehicle.AgencyId }, now);
        return await Registers.CommitNewAsync(http, work, vehicle, $"{Path}/{vehicle.Id}", VehicleResponse.Of(vehicle), PlateTaken, cancellationToken);
    }

    /// <param name="id">The vehicle's id.</param>
    private static async Task<Results<Ok<VehicleResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeVehicleRequest request, HttpContext http, ReportingDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await database.Vehicles.ReadBy(http.User).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } vehicle)
        {
            return NotFound.ToProblem();
        }

        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var agency = Registers.AgencyAfter(http, request.AgencyId, vehicle);
        if (Registers.Refusal(http, vehicle) is { } refusal)
        {
            return refusal.ToProblem();
        }

        if (!http.User.Manages(agency))
        {
            return Registers.NotManaged.ToProblem();
        }

        var changes = new JsonObject();
        if (request.Name?.Trim() is { } name && name != vehicle.Name)
        {
            changes["name"] = vehicle.Name = name;
        }

        if (request.Plate is { } sent && Plate(sent) is var plate && plate != vehicle.Plate)
        {
            changes["plate"] = vehicle.Plate = plate;
        }

        if (agency != vehicle.AgencyId)
        {
            changes["agency_id"] = vehicle.AgencyId = agency;
        }

        if (request.Active is { } active && active != vehicle.Active)
        {
            changes["active"] = vehicle.Active = active;
        }

        Registers.AddChange(database, vehicle, http.User.UserId, Vehicle.Kind, id, changes, time.GetUtcNow());
        return await Registers.CommitAsync(http, work, vehicle, VehicleResponse.Of(vehicle), PlateTaken, cancellationToken);
    }

    /// <param name="id">The vehicle's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, Dependents dependents, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var vehicle = await database.Vehicles.FromSql($"SELECT * FROM vehicles WHERE id = {id} FOR UPDATE").ReadBy(http.User).SingleOrDefaultAsync(cancellationToken);
        return await Registers.DeleteAsync(Registered.Vehicle, Vehicle.Kind, id, vehicle, NotFound, http, database, dependents, work, time, cancellationToken);
    }

    private static string Plate(string text) => text.Trim().Normalize().ToUpperInvariant();
}
