namespace Kashif.Gamification.Ledger;

/// <summary>Which sum of the <see cref="Balance"/> an entry changes.</summary>
internal enum EntryKind
{
    /// <summary>Awards and corrections in the user's favour.</summary>
    Earned,

    /// <summary>Negative where points are spent, positive where they are given back.</summary>
    Spent,

    /// <summary>Points that passed the end of their validity.</summary>
    Expired,

    /// <summary>Points taken back: of an award that was not deserved, or a correction.</summary>
    Reversed,
}
