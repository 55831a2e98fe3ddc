using Kashif.Messaging.Erasure;
using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Imports;

/// <summary>A step of an imported history, checked and trimmed.</summary>
/// <param name="By">Who made it; null if that is not known.</param>
/// <param name="Original">The original report, if <paramref name="To"/> is <see cref="ReportStatus.Duplicate"/>.</param>
internal sealed record PastStep(ReportStatus To, DateTimeOffset At, string? Comment, Guid? By, Guid? Original);

/// <summary>Makes a report with its history as if each step had been made here, by the same rules: the history always equals the status.</summary>
internal sealed class PastReport(Report report)
{
    private readonly List<StatusChange> _history = [];
    private ReportStatus _before = report.Status;

    public Report Report => report;

    public IReadOnlyList<StatusChange> History => _history;

    /// <summary>Adds the next step. Staff who start work on a new report verify it on the way, as in <see cref="StatusTransitions.Steps"/>.</summary>
    /// <returns>The error; null if the step is allowed.</returns>
    public string? TryAdd(PastStep step)
    {
        var actor = step.To is ReportStatus.Withdrawn ? Actor.Owner : Actor.Staff;
        var by = step.By ?? (actor is Actor.Owner ? report.UserId : ErasedUser.Id);
        var from = report.Status;
        if (StatusTransitions.Reopened(from) == step.To)
        {
            Add(report.Reopen(step.Comment, by, step.At));
            return null;
        }

        var steps = StatusTransitions.Steps(from, step.To);
        if (StatusTransitions.Decide(from, steps[0], actor) is not TransitionDecision.Allowed
            || (StatusTransitions.IsTakenBack(from, step.To) && !StatusTransitions.IsWayBack(from, _before, step.To)))
        {
            return ChangeStatus.Impossible(from, step.To);
        }

        foreach (var to in steps)
        {
            Add(report.ChangeStatus(to, step.Original, to == step.To ? step.Comment : null, by, actor, step.At));
        }

        return null;
    }

    private void Add(StatusChange change)
    {
        _before = change.From;
        _history.Add(change);
    }
}
