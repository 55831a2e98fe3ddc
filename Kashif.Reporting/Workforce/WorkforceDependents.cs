using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>Employees, crews and vehicles hang on their agency, open reports on the employee who works on them, crews on their members.</summary>
internal sealed class WorkforceDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken) => register switch
    {
        Registered.Agency =>
        [
            .. await database.Employees.Where(row => row.AgencyId == id).OrderBy(row => row.UserId).Take(most).Select(row => new Dependent("employee", row.UserId)).ToListAsync(cancellationToken),
            .. await database.Crews.Where(row => row.AgencyId == id).OrderBy(row => row.Id).Take(most).Select(row => new Dependent("crew", row.Id)).ToListAsync(cancellationToken),
            .. await database.Vehicles.Where(row => row.AgencyId == id).OrderBy(row => row.Id).Take(most).Select(row => new Dependent("vehicle", row.Id)).ToListAsync(cancellationToken),
        ],
        Registered.Employee =>
        [
            .. await database.Reports.Where(report => report.AssigneeId == id && ReportStatuses.Open.Contains(report.Status)).OrderBy(report => report.Id).Take(most)
                .Select(report => new Dependent("report", report.Id)).ToListAsync(cancellationToken),
            .. await database.CrewMembers.Where(member => member.UserId == id).OrderBy(member => member.CrewId).Take(most)
                .Select(member => new Dependent("crew", member.CrewId)).ToListAsync(cancellationToken),
        ],
        _ => [],
    };
}
