using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.WorkOrders;

/// <summary>Projects and work orders hang on their agency, work orders on their crew and vehicle. Closed ones too: they tell who did the work.</summary>
internal sealed class WorkOrderDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken) => register switch
    {
        Registered.Agency =>
        [
            .. await database.Projects.Where(project => project.AgencyId == id).OrderBy(project => project.Id).Take(most)
                .Select(project => new Dependent("project", project.Id)).ToListAsync(cancellationToken),
            .. await FindAsync(database.WorkOrders.Where(order => order.AgencyId == id), most, cancellationToken),
        ],
        Registered.Crew => await FindAsync(database.WorkOrders.Where(order => order.CrewId == id), most, cancellationToken),
        Registered.Vehicle => await FindAsync(database.WorkOrders.Where(order => order.VehicleId == id), most, cancellationToken),
        _ => [],
    };

    private static Task<List<Dependent>> FindAsync(IQueryable<WorkOrder> orders, int most, CancellationToken cancellationToken) =>
        orders.OrderBy(order => order.Id).Take(most).Select(order => new Dependent("work_order", order.Id)).ToListAsync(cancellationToken);
}
