using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

/// <summary>Visits hang on their crew and vehicle. Past ones too: they tell who was there.</summary>
internal sealed class VisitDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken) => register switch
    {
        Registered.Crew => await FindAsync(database.Visits.Where(visit => visit.CrewId == id), most, cancellationToken),
        Registered.Vehicle => await FindAsync(database.Visits.Where(visit => visit.VehicleId == id), most, cancellationToken),
        _ => [],
    };

    private static Task<List<Dependent>> FindAsync(IQueryable<Visit> visits, int most, CancellationToken cancellationToken) =>
        visits.OrderBy(visit => visit.Id).Take(most).Select(visit => new Dependent("visit", visit.Id)).ToListAsync(cancellationToken);
}
