namespace Kashif.Gamification.Rules;

/// <summary>What a rule gives for a report, before limits.</summary>
/// <param name="Version">The version of the rules.</param>
/// <param name="At">The time of the event that the rule awards.</param>
internal sealed record Claim(string Code, int Version, Guid UserId, Guid ReportId, DateTimeOffset At)
{
    public int Points { get; init; }
    public string? Category { get; init; }
    public string? Area { get; init; }

    /// <summary>The UTC day of the event, whose limits apply; null for a rule without limits.</summary>
    public DateOnly? LimitDay { get; init; }
    public int? DailyLimit { get; init; }
    public int? WeeklyLimit { get; init; }
    public int? ExpiresAfterDays { get; init; }

    /// <summary>Whether the points can be awarded yet.</summary>
    public bool Vested { get; init; }

    /// <summary>Why the report's points are lost: the reason of the reversal. Null if they are not.</summary>
    public string? Lost { get; init; }

    /// <summary>Whether the public may not learn who reported it: the award counts on no leaderboard of a category or an area, where it could be seen.</summary>
    public bool IsUnnamed { get; init; }

    /// <summary>The event that the rule awards; null if it came before events were kept.</summary>
    public Guid? EventId { get; init; }

    /// <summary>Whether the event, or the category by which it is judged, is new: what is held was given for another one.</summary>
    public bool IsFresh { get; init; }

    /// <summary>The awards in the ledger that are not reversed.</summary>
    public IReadOnlyList<Award> Held { get; init; } = [];

    /// <summary>The awards in the ledger that are reversed. What had expired of them before is not given again.</summary>
    public IReadOnlyList<Award> Reversed { get; init; } = [];

    /// <summary>Whether an administrator has reversed an award: the rule gives no more for the report.</summary>
    public bool IsClosed { get; init; }

    public int Due => Vested && Lost is null && !IsClosed ? Points : 0;

    /// <summary>Why all that is held is to be taken back; null if it stays.</summary>
    public string? Undone => Held.Count == 0 ? null
        : Lost is not null ? Lost
        : !IsFresh || IsClosed ? null
        : Held.Any(award => award.Category is not null && Category is not null && award.Category != Category) ? RuleEngine.Recategorized
        : Held.Sum(award => award.Points) > Due || Held.Any(award => award.Version != Version || award.LimitDay != LimitDay) ? RuleEngine.Corrected
        : null;

    /// <summary>Awards on leaderboards of a category or an area that are not to be seen there any more.</summary>
    public IEnumerable<Award> Named => IsUnnamed ? Held.Concat(Reversed).Where(award => award.IsScoped && award.Counted > 0) : [];

    public int Missing => Due - Reversed.Sum(award => award.Counted) - Held.Sum(award => Undone is null ? award.Points : award.Expired);

    public LimitWeek? Week => LimitWeek.Of(this, Version, LimitDay);
}

/// <summary>An award in the ledger.</summary>
/// <param name="Expired">How many of its points have expired.</param>
/// <param name="TakenBack">How many a reversal has taken back, also what is still owed of them.</param>
internal sealed record Award(Guid Id, int Points, int Expired, int TakenBack, int Version, DateOnly? LimitDay, string? Category, string? Area)
{
    /// <summary>What can be taken back.</summary>
    public int Left => Points - Expired;

    /// <summary>What leaderboards count: of a reversed award what had expired before.</summary>
    public int Counted => Points - TakenBack;

    /// <summary>Whether it counts on leaderboards of a category or an area.</summary>
    public bool IsScoped => Category is not null || Area is not null;
}

/// <summary>Awards that share a weekly limit. A new version counts anew: what was given depends on the events only, not on their order.</summary>
internal readonly record struct LimitWeek(Guid UserId, string Code, int Version, DateOnly Monday)
{
    public static LimitWeek? Of(Claim claim, int version, DateOnly? day) =>
        day is { } limited ? new LimitWeek(claim.UserId, claim.Code, version, RuleEngine.WeekOf(limited)) : null;
}

/// <summary>Points to award.</summary>
internal sealed record Grant(Claim Claim, int Points);

/// <summary>An award to take back.</summary>
internal sealed record Reversal(Claim Claim, Award Award, string Reason);

/// <summary>An award to take off the leaderboards of categories and areas. It stays an award.</summary>
internal sealed record Unnaming(Claim Claim, Award Award);

/// <param name="Unnamed">To book before the reversals.</param>
internal sealed record Settlement(IReadOnlyList<Unnaming> Unnamed, IReadOnlyList<Reversal> Reversals, IReadOnlyList<Grant> Grants);
