using static Kashif.Reporting.Reports.ReportStatus;

namespace Kashif.Reporting.Reports;

/// <summary>What someone is to a report; one person can be both.</summary>
[Flags]
internal enum Actor
{
    None = 0,

    /// <summary>City staff, moderator or admin.</summary>
    Staff = 1,

    /// <summary>The person who filed the report.</summary>
    Owner = 2,
}

internal enum TransitionVerdict
{
    Allowed,

    /// <summary>The caller has no say in this.</summary>
    NotTheirs,

    /// <summary>Nobody can go this way.</summary>
    NoSuchWay,
}

/// <summary>Who may move a report from where to where. A pair that is not here does not exist; a status without a way out is an end.</summary>
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

    public static TransitionVerdict Judge(ReportStatus from, ReportStatus to, Actor actor)
    {
        if (Table.TryGetValue((from, to), out var who))
        {
            return (who & actor) != 0 ? TransitionVerdict.Allowed : TransitionVerdict.NotTheirs;
        }

        // To staff, and to the owner of what only owners do, a missing way is a rule; the others have no say whatever the way.
        return actor.HasFlag(Actor.Staff) || Table.Any(way => way.Key.To == to && (way.Value & actor) != 0)
            ? TransitionVerdict.NoSuchWay
            : TransitionVerdict.NotTheirs;
    }
}
