using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Data;
using Kashif.Reporting.WorkOrders;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Visits;

/// <summary>Refuses overlapping slots of a crew or a vehicle, and names the other visit.</summary>
internal static class Slots
{
    private static Error CrewBusy { get; } = Error.Conflict("crew_busy", "The crew has another visit in this slot.");
    private static Error VehicleBusy { get; } = Error.Conflict("vehicle_busy", "The vehicle is needed for another visit in this slot.");

    /// <summary>To whole seconds: a client that reads a slot gets what it has sent.</summary>
    public static DateTimeOffset Rounded(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);

    /// <returns>The error; null if the slot is valid.</returns>
    public static string? Check(DateTimeOffset starts, DateTimeOffset ends, DateTimeOffset now) =>
        starts >= ends ? "Must be after starts_at."
        : ends - starts > Visit.MaxLength ? "A visit takes at most seven days."
        : (starts - now).Duration() > TimeSpan.FromDays(2 * 366) ? "Must be within two years."
        : null;

    /// <summary>Adds the errors of the field <c>alternatives</c>.</summary>
    public static void AddErrors(FieldErrors errors, IReadOnlyList<VisitSlot?>? alternatives, DateTimeOffset now)
    {
        errors.Add("alternatives", alternatives?.Count > Visit.MaxAlternatives ? Localized.Format($"At most {Visit.MaxAlternatives} slots.") : null);
        errors.Add("alternatives", alternatives?.Select(slot => slot is null ? "This field is required." : Check(slot.StartsAt, slot.EndsAt, now)).FirstOrDefault(error => error is not null));
    }

    public static IEnumerable<OfferedSlot> Of(IReadOnlyList<VisitSlot>? slots) =>
        (slots ?? []).Select(slot => new OfferedSlot { StartsAt = Rounded(slot.StartsAt), EndsAt = Rounded(slot.EndsAt) });

    /// <summary>
    /// Locks the crew and the vehicle, and looks for another visit in the slot. The locks make requests for the same crew wait in line: at the constraint
    /// alone, two inserts at once would each wait for the other.
    /// </summary>
    /// <param name="named">Whether the answer names the other visit, which reporters do not learn.</param>
    /// <returns>Null if the slot is free.</returns>
    public static async Task<ProblemHttpResult?> LockAsync(
        this ReportingDbContext database, Visit visit, DateTimeOffset starts, DateTimeOffset ends, bool named, CancellationToken cancellationToken)
    {
        if (visit.CrewId is { } crew)
        {
            await database.Database.ExecuteSqlAsync($"SELECT FROM crews WHERE id = {crew} FOR NO KEY UPDATE", cancellationToken);
        }

        if (visit.VehicleId is { } vehicle)
        {
            await database.Database.ExecuteSqlAsync($"SELECT FROM vehicles WHERE id = {vehicle} FOR NO KEY UPDATE", cancellationToken);
        }

        var others = database.Visits.AsNoTracking().Where(row => row.Id != visit.Id && (row.State == VisitState.Proposed || row.State == VisitState.Confirmed)
            && row.StartsAt < ends && row.EndsAt > starts).OrderBy(row => row.StartsAt);
        if (visit.CrewId is not null && await others.FirstOrDefaultAsync(row => row.CrewId == visit.CrewId, cancellationToken) is { } sameCrew)
        {
            return Problem(CrewBusy, sameCrew, named);
        }

        return visit.VehicleId is not null && await others.FirstOrDefaultAsync(row => row.VehicleId == visit.VehicleId, cancellationToken) is { } sameVehicle
            ? Problem(VehicleBusy, sameVehicle, named)
            : null;
    }

    /// <returns>The answer, if a constraint has refused the visit: the slot is taken, or the crew or vehicle was deleted meanwhile. Null for another failure.</returns>
    public static Error? Refusal(DbUpdateException exception) => exception.InnerException switch
    {
        PostgresException { SqlState: PostgresErrorCodes.ExclusionViolation } refused => refused.ConstraintName == VisitSchema.VehicleBusy ? VehicleBusy : CrewBusy,
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } => OrderReports.Changed,
        _ => null,
    };

    private static ProblemHttpResult Problem(Error error, Visit other, bool named) => named
        ? error.ToProblem("visit", JsonElement.Parse(new JsonObject
        {
            ["id"] = other.Id.ToString(),
            ["starts_at"] = OrderReports.Text(other.StartsAt),
            ["ends_at"] = OrderReports.Text(other.EndsAt),
        }.ToJsonString()))
        : error.ToProblem();
}
