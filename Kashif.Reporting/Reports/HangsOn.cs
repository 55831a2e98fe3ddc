using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Reporting.Reports;

/// <summary>What the city registers, and other rows hang on.</summary>
internal enum Registered
{
    Agency,
    Employee,
    Crew,
    Vehicle,
}

/// <summary>Something that needs what was to be deleted.</summary>
/// <param name="Kind" example="report">Such as <c>report</c> or <c>visit</c>.</param>
internal sealed record Dependent(string Kind, Guid Id);

/// <summary>Finds what hangs on an agency, an employee, a crew or a vehicle, which is not deleted then. A feature registers one for its own tables.</summary>
internal interface IHangsOn
{
    /// <summary>Runs in the transaction of the deletion, with the row locked.</summary>
    /// <param name="most">Of each kind.</param>
    Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken);
}

/// <summary>All that hangs on an entry of a register.</summary>
internal sealed class Dependents(IEnumerable<IHangsOn> features)
{
    /// <summary>The extension member of the problem.</summary>
    public const string Member = "hangs_on";

    private const int Most = 20;

    /// <summary>Without what hangs on it: a reference that was added a moment ago.</summary>
    public static Error InUse { get; } = Error.Conflict("in_use", "Work hangs on it: see hangs_on. Finish the work or move it, or make it inactive.");

    /// <param name="inUse">The error.</param>
    /// <returns>The 409 with what hangs on it; null if it can be deleted.</returns>
    public async Task<ProblemHttpResult?> RefusalAsync(Registered register, Guid id, Error inUse, CancellationToken cancellationToken)
    {
        List<Dependent> found = [];
        foreach (var feature in features)
        {
            found.AddRange(await feature.FindAsync(register, id, Most, cancellationToken));
        }

        return found.Count == 0 ? null : Refusal(inUse, found);
    }

    /// <returns>The 409 with what hangs on it.</returns>
    public static ProblemHttpResult Refusal(Error inUse, IEnumerable<Dependent> dependents) => inUse.ToProblem(Member, dependents.ToArray());

    /// <returns>The 409 with what hangs on it, all of one kind.</returns>
    public static ProblemHttpResult Refusal(Error inUse, string kind, IEnumerable<Guid> ids) => Refusal(inUse, ids.Select(id => new Dependent(kind, id)));
}
