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

/// <summary>The allowed status transitions and who may make them.</summary>
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

        // Taken back: within Reporting:TakeBackWithin and with a comment.
        [(Verified, Submitted)] = Actor.Staff,
        [(InProgress, Verified)] = Actor.Staff,
        [(Resolved, InProgress)] = Actor.Staff,
        [(Rejected, Submitted)] = Actor.Staff,
        [(Rejected, Verified)] = Actor.Staff,
        [(Rejected, InProgress)] = Actor.Staff,
        [(Duplicate, Submitted)] = Actor.Staff,
        [(Duplicate, Verified)] = Actor.Staff,
        [(Duplicate, InProgress)] = Actor.Staff,
    };

    /// <summary>Whether the transition takes a status back.</summary>
    public static bool IsTakenBack(ReportStatus from, ReportStatus to) => (from, to) switch
    {
        (Verified, Submitted) or (InProgress, Verified) or (Resolved, InProgress) => true,
        (Rejected or Duplicate, Submitted or Verified or InProgress) => true,
        _ => false,
    };

    /// <summary>Whether a status can be taken back to <paramref name="to"/>, which was left for it <paramref name="before"/>; a rejected report also to submitted.</summary>
    public static bool IsWayBack(ReportStatus from, ReportStatus before, ReportStatus to) => from switch
    {
        Rejected => to == before || to is Submitted,
        Duplicate => to == before,
        _ => true,
    };

    /// <summary>The status of a report after it is reopened; null if it cannot be.</summary>
    public static ReportStatus? Reopened(ReportStatus status) => status switch
    {
        Resolved => InProgress,
        Rejected => Submitted,
        _ => null,
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
