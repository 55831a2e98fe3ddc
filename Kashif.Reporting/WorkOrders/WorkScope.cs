using System.Runtime.CompilerServices;
using System.Security.Claims;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.WorkOrders;

/// <summary>Which projects and work orders a member of staff sees: an agency's employees those of their agency, others all. Like <see cref="StaffScope"/>.</summary>
internal static class WorkScope
{
    public static IQueryable<WorkOrder> WorkOf(this IQueryable<WorkOrder> orders, ClaimsPrincipal staff) =>
        staff.AgencyIdOrNull is { } agency ? orders.Where(order => order.AgencyId == agency) : orders;

    public static IQueryable<Project> WorkOf(this IQueryable<Project> projects, ClaimsPrincipal staff) =>
        staff.AgencyIdOrNull is { } agency ? projects.Where(project => project.AgencyId == agency) : projects;

    /// <summary>Whether staff of the agency, or of all for null, may work on what belongs to <paramref name="owner"/>.</summary>
    public static bool MayWorkFor(this ClaimsPrincipal staff, Guid? owner) => staff.AgencyIdOrNull is not { } agency || agency == owner;

    /// <summary>Adds an error if the agency is not there, or is not the caller's.</summary>
    public static async Task AddAgencyErrorAsync(
        this FieldErrors errors, Guid? agency, ClaimsPrincipal staff, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (agency is { } id && (!staff.MayWorkFor(id) || !await database.Agencies.AnyAsync(row => row.Id == id, cancellationToken)))
        {
            errors.Add("agency_id", AgencyEndpoints.Missing);
        }
    }

    /// <summary>Adds an error if the crew or the vehicle is not there, gets no new work, or works for another agency than <paramref name="agency"/>.</summary>
    public static async Task AddWorkforceErrorsAsync(
        this FieldErrors errors, Guid? crew, Guid? vehicle, Guid? agency, ReportingDbContext database, CancellationToken cancellationToken)
    {
        if (crew is { } crewId && !await database.Crews.AnyAsync(
            row => row.Id == crewId && row.Active && (agency == null || row.AgencyId == null || row.AgencyId == agency), cancellationToken))
        {
            errors.Add("crew_id", "No active crew of the agency has this id.");
        }

        if (vehicle is { } vehicleId && !await database.Vehicles.AnyAsync(
            row => row.Id == vehicleId && row.Active && (agency == null || row.AgencyId == null || row.AgencyId == agency), cancellationToken))
        {
            errors.Add("vehicle_id", "No active vehicle of the agency has this id.");
        }
    }

    /// <summary>Rows of a table that has <c>words</c> (<see cref="WorkOrderSchema"/>), with all of the words.</summary>
    public static IQueryable<T> WithWords<T>(this DbSet<T> rows, string table, string text)
        where T : class =>
        rows.FromSql(FormattableStringFactory.Create($"SELECT * FROM {table} WHERE words @@ {ReportWords.Query("{0}")}", text));
}
