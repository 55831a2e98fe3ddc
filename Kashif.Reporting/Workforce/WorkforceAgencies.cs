using Kashif.Reporting.Agencies;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>The employees, crews and vehicles of an agency.</summary>
internal sealed class WorkforceAgencies(ReportingDbContext database) : IAgencyUse
{
    public async Task<IReadOnlyList<HeldBy>> FindAsync(Guid agency, int most, CancellationToken cancellationToken) =>
    [
        .. await database.Employees.Where(row => row.AgencyId == agency).OrderBy(row => row.UserId).Take(most).Select(row => new HeldBy("employee", row.UserId)).ToListAsync(cancellationToken),
        .. await database.Crews.Where(row => row.AgencyId == agency).OrderBy(row => row.Id).Take(most).Select(row => new HeldBy("crew", row.Id)).ToListAsync(cancellationToken),
        .. await database.Vehicles.Where(row => row.AgencyId == agency).OrderBy(row => row.Id).Take(most).Select(row => new HeldBy("vehicle", row.Id)).ToListAsync(cancellationToken),
    ];
}
