using static Kashif.Reporting.Reports.ReportStatus;

namespace Kashif.Reporting.Reports;

/// <summary>A user's relation to a report; a user can be both.</summary>
[Flags]
internal enum Actor
{
    None = 0,

    /// <summary>City staff, moderator or admin.</summary>
    Staff = 1,

    /// <summary>The user who created the report.</summary>
    Owner = 2,
}

internal enum TransitionDecision
{
    Allowed,

    /// <summary>The caller may not make this change.</summary>
    Forbidden,

    /// <summary>The transition does not exist.</summary>
    Invalid,
}

/// <summary>The allowed status transitions and who may make them. A status without a transition is final.</summary>
internal static class StatusTransitions
{
    public static IReadOnlyDictionary<(ReportStatus From, ReportStatus To), Actor> Table { get; } = new Dictionary<(ReportStatus, ReportStatus), Actor>
    {
        [(Submitted, Verified)] = Actor.Staff,
        [(Submitted, Rejected)] = Actor.Staff,
        [(Submitted, Duplicate)] = Actor.Staff,
        [(Submitted, Withdrawn)] = Actor.Owner,

        [(Verified, InProgress)] = Actor.Staff,
        [(Verified, Rejected)] = Actor.Staff,
        [(Verified, Duplicate)] = Actor.Staff,

        [(InProgress, Resolved)] = Actor.Staff,
        [(InProgress, Rejected)] = Actor.Staff,
        [(InProgress, Duplicate)] = Actor.Staff,
    };

    /// <summary>The statuses that a report takes on to reach <paramref name="to"/>. Staff who start work on a new report verify it on the way.</summary>
    public static IReadOnlyList<ReportStatus> Steps(ReportStatus from, ReportStatus to) => (from, to) switch
    {
        (Submitted, InProgress) => [Verified, InProgress],
        _ => [to],
    };

    public static TransitionDecision Decide(ReportStatus from, ReportStatus to, Actor actor)
    {
        if (Table.TryGetValue((from, to), out var allowed))
        {
            return (allowed & actor) != 0 ? TransitionDecision.Allowed : TransitionDecision.Forbidden;
        }

        // For staff, and for an owner who withdraws, a missing transition is invalid. All other callers are forbidden anyway.
        return actor.HasFlag(Actor.Staff) || Table.Any(transition => transition.Key.To == to && (transition.Value & actor) != 0)
            ? TransitionDecision.Invalid
            : TransitionDecision.Forbidden;
    }
}
