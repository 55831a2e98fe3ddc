using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Quests;

internal enum ParticipationStatus
{
    /// <summary>The user may complete the quest; the budget has reserved the reward.</summary>
    Joined,

    /// <summary>The reward is paid.</summary>
    Completed,

    /// <summary>The time was over; the reservation is released.</summary>
    Expired,

    /// <summary>The quest was cancelled; the reservation is released.</summary>
    Cancelled,
}

/// <summary>A user in a quest, once. The terms of the day of joining hold: later changes of the quest do not apply, its cancellation does.</summary>
internal sealed class Participation
{
    /// <summary>From <see cref="TimeOrderedId"/>. Part of the cause in the ledger, which outlives the account and must not hold the user's id.</summary>
    public Guid Id { get; init; }
    public int QuestId { get; init; }
    public Guid UserId { get; init; }
    public int BudgetId { get; init; }

    /// <summary>In points.</summary>
    public int Reward { get; init; }
    public ParticipationStatus Status { get; set; }
    public DateTimeOffset JoinedAt { get; init; }

    /// <summary>The last moment of an event that counts.</summary>
    public DateTimeOffset Deadline { get; init; }

    /// <summary>When the status last changed.</summary>
    public DateTimeOffset ChangedAt { get; set; }

    public string Cause => $"quest:{Id}";
}

internal sealed class ParticipationConfiguration : IEntityTypeConfiguration<Participation>
{
    public void Configure(EntityTypeBuilder<Participation> participation)
    {
        participation.ToTable("quest_participations");
        participation.Property(row => row.Id).ValueGeneratedNever();
        participation.Property(row => row.Status).HasMaxLength(10).HasConversion(
            status => Text(status), text => Enum.Parse<ParticipationStatus>(text, ignoreCase: true));
        participation.HasOne<Quest>().WithMany().HasForeignKey(row => row.QuestId).OnDelete(DeleteBehavior.Restrict);
        participation.HasOne<Budget>().WithMany().HasForeignKey(row => row.BudgetId).OnDelete(DeleteBehavior.Restrict);
        participation.HasIndex(row => new { row.UserId, row.Id });
        participation.HasIndex(row => new { row.QuestId, row.UserId }).IsUnique().HasFilter($"user_id <> '{ErasedUser.Id}'");
        participation.HasIndex(row => row.QuestId);
        participation.HasIndex(row => row.Deadline).HasFilter($"status = '{Text(ParticipationStatus.Joined)}'");
    }

    private static string Text(ParticipationStatus status) => status.ToString().ToLowerInvariant();
}
