using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Topics;

/// <summary>A user who wants the messages of a topic. The topic of all users needs none.</summary>
internal sealed partial class TopicSubscription
{
    public const int MaxTopicLength = 64;
    public const int MaxPerUser = 100;

    /// <summary>Every user.</summary>
    public const string All = "all";

    public const string Invalid = "Must be 1 to 64 lowercase letters, digits, dots, hyphens or underscores, and start with a letter or digit.";

    public required string Topic { get; init; }
    public Guid UserId { get; init; }

    public static bool IsTopic(string text) => Name.IsMatch(text);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,63}\z")]
    private static partial Regex Name { get; }
}

internal sealed class TopicSubscriptionConfiguration : IEntityTypeConfiguration<TopicSubscription>
{
    public void Configure(EntityTypeBuilder<TopicSubscription> builder)
    {
        builder.ToTable("topic_subscriptions");
        builder.HasKey(subscription => new { subscription.Topic, subscription.UserId });
        builder.Property(subscription => subscription.Topic).HasMaxLength(TopicSubscription.MaxTopicLength);
        builder.HasIndex(subscription => subscription.UserId);
    }
}
