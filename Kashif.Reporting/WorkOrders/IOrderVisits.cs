using System.Security.Claims;

namespace Kashif.Reporting.WorkOrders;

/// <summary>What a work order needs to know of its visits.</summary>
internal interface IOrderVisits
{
    /// <returns>The ids of all visits of the work order, oldest first.</returns>
    Task<Guid[]> IdsAsync(Guid order, CancellationToken cancellationToken);

    /// <summary>Cancels the visits that are still to come, because the work order is closed. The work order and its reports are locked.</summary>
    Task CancelOpenAsync(WorkOrder order, IReadOnlyDictionary<Guid, Reports.Report> reports, ClaimsPrincipal staff, CancellationToken cancellationToken);
}
