using System.Security.Claims;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.WorkOrders;

/// <summary>
/// Lets one request at a time change a work order, its reports and its visits. The order of locks is the same everywhere, so that requests wait for each
/// other instead of deadlocking: the work order, crews, vehicles, then reports by their ids. A merge, which has locked reports, never waits for a work order.
/// </summary>
internal static class OrderLock
{
    /// <summary>Locks the work order until the end of the transaction, and reads it as it is then.</summary>
    /// <returns>Null if there is none, or it is another agency's.</returns>
    public static async Task<WorkOrder?> LockOrderAsync(this ReportingDbContext database, Guid id, ClaimsPrincipal staff, CancellationToken cancellationToken) =>
        await database.LockOrderAsync(id, cancellationToken) is { } order && staff.MayWorkFor(order.AgencyId) ? order : null;

    /// <summary>For a caller whose right to the work order comes from elsewhere, such as an appointment.</summary>
    public static Task<WorkOrder?> LockOrderAsync(this ReportingDbContext database, Guid id, CancellationToken cancellationToken) =>
        database.WorkOrders.FromSql($"SELECT * FROM work_orders WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);
}
