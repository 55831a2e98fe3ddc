using System.Security.Claims;

namespace Kashif.Reporting.WorkOrders;

/// <summary>The visits of a work order.</summary>
internal interface IOrderVisits
{
    /// <returns>The ids of all visits of the work order, oldest first.</returns>
    Task<Guid[]> IdsAsync(Guid order, CancellationToken cancellationToken);

    /// <summary>Cancels the open visits of a work order that is being closed. Call it with the work order and its reports locked.</summary>
    Task CancelOpenAsync(WorkOrder order, IReadOnlyDictionary<Guid, Reports.Report> reports, ClaimsPrincipal staff, CancellationToken cancellationToken);
}
