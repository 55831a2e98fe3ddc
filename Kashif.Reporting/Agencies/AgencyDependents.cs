using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Agencies;

/// <summary>Areas and open reports hang on their agency.</summary>
internal sealed class AgencyDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken) => register is not Registered.Agency
        ? []
        :
        [
            .. await database.Areas.Where(area => area.AgencyId == id).OrderBy(area => area.Id).Take(most).Select(area => new Dependent("area", area.Id)).ToListAsync(cancellationToken),
            .. await database.Reports.Where(report => report.AgencyId == id && ReportStatuses.Open.Contains(report.Status)).OrderBy(report => report.Id).Take(most)
                .Select(report => new Dependent("report", report.Id)).ToListAsync(cancellationToken),
        ];
}
