using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Profiles;

/// <summary>What moderators said about a name.</summary>
internal enum NameStatus
{
    /// <summary>Not looked at yet: shown unless <see cref="ProfileOptions.ApproveNames"/>.</summary>
    Pending,
    Approved,

    /// <summary>Shown to its owner only.</summary>
    Rejected,
}

/// <summary>What a user shows to others. A user without a row has no name, no public profile, and is on the leaderboard.</summary>
internal sealed class Profile
{
    public const int NameLength = 30;
    public const int ReasonLength = 200;

    public Guid UserId { get; init; }
    public string? DisplayName { get; private set; }

    /// <summary>From <see cref="NameRules.Fold"/>. Unique, so that two names do not look the same.</summary>
    public string? FoldedName { get; private set; }

    /// <summary>Null without a name, like the next two.</summary>
    public NameStatus? NameStatus { get; private set; }
    public DateTimeOffset? NamedAt { get; private set; }

    /// <summary>Why a moderator rejected the name.</summary>
    public string? NameReason { get; private set; }

    /// <summary>The moderator who approved or rejected the name.</summary>
    public Guid? ModeratedBy { get; private set; }

    /// <summary>When the name last replaced another one, or was removed.</summary>
    public DateTimeOffset? RenamedAt { get; private set; }

    /// <summary>Whether everyone may read the profile.</summary>
    public bool Public { get; set; }
    public bool OnLeaderboard { get; set; } = true;

    /// <summary>When another name may be chosen; null means now. A rejected name may be replaced at once.</summary>
    public DateTimeOffset? RenamableAt => NameStatus is Profiles.NameStatus.Rejected ? null : RenamedAt?.AddMonths(1);

    /// <summary>Chooses a name, or removes it. The first name, and one that replaces a rejected name, do not count as a change of name.</summary>
    public void Rename(string? name, DateTimeOffset now)
    {
        if (name == DisplayName)
        {
            return;
        }

        if (DisplayName is not null && NameStatus is not Profiles.NameStatus.Rejected)
        {
            RenamedAt = now;
        }

        DisplayName = name;
        FoldedName = name is null ? null : NameRules.Fold(name);
        NameStatus = name is null ? null : Profiles.NameStatus.Pending;
        NamedAt = name is null ? null : now;
        NameReason = null;
        ModeratedBy = null;
    }

    /// <summary>Approves or rejects the name.</summary>
    /// <param name="reason">Why it is rejected.</param>
    public void Moderate(NameStatus status, string? reason, Guid moderator) => (NameStatus, NameReason, ModeratedBy) = (status, reason, moderator);
}

internal sealed class ProfileConfiguration : IEntityTypeConfiguration<Profile>
{
    public void Configure(EntityTypeBuilder<Profile> profile)
    {
        profile.ToTable("profiles");
        profile.HasKey(row => row.UserId);
        profile.Property(row => row.UserId).ValueGeneratedNever();
        profile.Property(row => row.DisplayName).HasMaxLength(Profile.NameLength);
        profile.Property(row => row.FoldedName).HasMaxLength(Profile.NameLength * NameRules.LongestFold);
        profile.Property(row => row.NameStatus).HasMaxLength(10).HasConversion(
            status => status.ToString()!.ToLowerInvariant(), text => Enum.Parse<NameStatus>(text, ignoreCase: true));
        profile.HasIndex(row => row.FoldedName).IsUnique();
        profile.HasIndex(row => new { row.NamedAt, row.UserId }).HasFilter("name_status = 'pending'");
        profile.HasIndex(row => row.ModeratedBy).HasFilter("moderated_by IS NOT NULL"); // an erasure reads it
        profile.Property<uint>("Version").IsRowVersion();
    }
}
