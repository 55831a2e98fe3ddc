using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>What the registers list.</summary>
internal enum Registered
{
    Employee,
    Crew,
    Vehicle,
}

/// <summary>Something that needs an entry of a register.</summary>
/// <param name="Kind">Such as <c>report</c> or <c>visit</c>.</param>
internal sealed record Dependent(string Kind, Guid Id);

/// <summary>Finds the work that hangs on an employee, a crew or a vehicle, which is not deleted then. A feature registers one for its own tables.</summary>
internal interface IHangsOn
{
    /// <summary>Runs in the transaction of the deletion, with the row locked.</summary>
    /// <param name="limit">More need not be found.</param>
    Task<IReadOnlyList<Dependent>> FindAsync(Registered kind, Guid id, int limit, CancellationToken cancellationToken);
}

/// <summary>All that hangs on an entry of a register.</summary>
internal sealed class Dependents(IEnumerable<IHangsOn> features)
{
    private const int Limit = 20;

    /// <summary>Without what hangs on it: a reference that was added a moment ago.</summary>
    public static Error InUse { get; } = Error.Conflict("in_use", "Work hangs on it: see hangs_on. Finish the work or move it, or make it inactive.");

    /// <returns>The 409 with what hangs on it; null if it can be deleted.</returns>
    public async Task<ProblemHttpResult?> RefusalAsync(Registered kind, Guid id, CancellationToken cancellationToken)
    {
        List<Dependent> found = [];
        foreach (var feature in features)
        {
            found.AddRange(await feature.FindAsync(kind, id, Limit - found.Count, cancellationToken));
            if (found.Count >= Limit)
            {
                break;
            }
        }

        return found.Count == 0 ? null : InUse.ToProblem("hangs_on", found.ToArray());
    }
}

/// <summary>Open reports hang on the employee who works on them, crews on their members.</summary>
internal sealed class WorkforceDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered kind, Guid id, int limit, CancellationToken cancellationToken) => kind is not Registered.Employee
        ? []
        :
        [
            .. await database.Reports.Where(report => report.AssigneeId == id && ReportStatuses.Open.Contains(report.Status)).OrderBy(report => report.Id).Take(limit)
                .Select(report => new Dependent("report", report.Id)).ToListAsync(cancellationToken),
            .. await database.CrewMembers.Where(member => member.UserId == id).OrderBy(member => member.CrewId).Take(limit)
                .Select(member => new Dependent("crew", member.CrewId)).ToListAsync(cancellationToken),
        ];
}
