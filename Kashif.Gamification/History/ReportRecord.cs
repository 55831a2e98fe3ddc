using Kashif.Messaging.Events;

namespace Kashif.Gamification.History;

/// <summary>What the known events of one report amount to, in the order of their versions; in which order they arrived does not matter.</summary>
internal sealed class ReportRecord
{
    private readonly List<ReportEvent> _standing = [];
    private readonly List<ReportEvent> _takenBack = [];
    private readonly List<Guid> _originals = [];

    public Guid Id { get; private init; }
    public Guid UserId { get; private set; }

    /// <summary>The newest: staff may correct it. Null if no event says.</summary>
    public string? Category { get; private set; }

    /// <summary>The newest status; null for a report of which only the creation is known.</summary>
    public string? Status { get; private set; }
    public bool IsHidden { get; private set; }
    public bool IsDeleted { get; private set; }

    /// <summary>Whether it is or was private or anonymous. For good, so that the order of events does not matter.</summary>
    public bool IsUnnamed { get; private set; }

    /// <summary>The report of which it is a duplicate now.</summary>
    public Guid? Original { get; private set; }

    /// <summary>All reports that it was ever merged with.</summary>
    public IReadOnlyList<Guid> Originals => _originals;

    /// <summary>The creation, the answer to a survey, and the statuses that were not taken back: verified still stands for a report in progress, but not for one that is submitted again.</summary>
    public IReadOnlyList<ReportEvent> Standing => _standing;

    /// <summary>The statuses that were taken back.</summary>
    public IReadOnlyList<ReportEvent> TakenBack => _takenBack;

    /// <summary>Whether someone else than its owner has verified it, and that still stands.</summary>
    public bool IsVerified => _standing.Exists(IsVerification);

    public bool WasVerified => IsVerified || _takenBack.Exists(IsVerification);

    /// <param name="events">Of one report.</param>
    public static ReportRecord Of(IEnumerable<ReportEvent> events)
    {
        var history = events.OrderBy(entry => entry.Version).ThenBy(entry => entry.At).ThenBy(entry => entry.Id).ToList();
        var record = new ReportRecord { Id = history[0].ReportId };
        foreach (var entry in history)
        {
            record.Add(entry);
        }

        return record;
    }

    private void Add(ReportEvent entry)
    {
        UserId = entry.UserId;
        Category = entry.Category ?? Category;
        IsHidden = entry.Hidden ?? IsHidden;
        IsUnnamed |= entry.Unnamed is true;
        IsDeleted |= entry.Event == ReportDeleted.Type;
        if (entry.OriginalId is { } original)
        {
            (Original, Status) = (original, "duplicate");
            _originals.Add(original);
        }
        else if (entry.Event == ReportCreated.Type || entry.Event == ReportVoted.Type || entry.Event == SurveyAnswered.Type)
        {
            Status = entry.Status ?? Status; // of a vote: the status of the report that it is for
            _standing.Add(entry);
        }
        else if (entry.Status is { } status)
        {
            Status = status;
            Original = status == "duplicate" ? Original : null;
            _takenBack.AddRange(_standing.Where(former => IsTakenBack(former.Status, status)));
            _standing.RemoveAll(former => IsTakenBack(former.Status, status));
            _standing.Add(entry);
        }
    }

    private static bool IsVerification(ReportEvent entry) => !entry.ByOwner && entry.Status is ("verified" or "in_progress" or "resolved");

    /// <summary>Whether a report that has the status now has given up a former one.</summary>
    private static bool IsTakenBack(string? former, string now) => now switch
    {
        "submitted" => former is not null,
        "verified" => former is "in_progress" || IsClosed(former),
        "in_progress" => former is "resolved" || IsClosed(former),
        "resolved" => IsClosed(former),
        _ => false,
    };

    private static bool IsClosed(string? status) => status is "rejected" or "duplicate" or "withdrawn";
}
