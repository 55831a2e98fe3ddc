namespace Kashif.Gamification.Profiles;

/// <summary>Section <c>Profiles</c>.</summary>
internal sealed class ProfileOptions
{
    public const string Section = "Profiles";

    /// <summary>Whether a name is shown only after a moderator has approved it. Otherwise it is shown until one rejects it.</summary>
    public bool ApproveNames { get; set; }
}
