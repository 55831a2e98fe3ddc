using Kashif.Notifications.Inbox;
using Kashif.Notifications.Topics;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Sending;

/// <summary>A message that a service or an admin sends to one user or to a topic, at once or later.</summary>
internal sealed class SendRequest
{
    public const int MaxRequestIdLength = 128;

    public Guid Id { get; init; }

    /// <summary>The service's client id, or the admin's user id.</summary>
    public required string Sender { get; init; }

    /// <summary>The sender's name for it: a repeated one sends nothing.</summary>
    public required string RequestId { get; init; }

    /// <summary>SHA-256 of what was asked, to tell a repetition from another request under the same name.</summary>
    public required byte[] Fingerprint { get; init; }

    /// <summary>One of <see cref="ChannelNames"/>.</summary>
    public required string Channel { get; init; }

    /// <summary>Null for a topic.</summary>
    public Guid? UserId { get; init; }

    /// <summary>Null for a user.</summary>
    public string? Topic { get; init; }
    public required string TemplateCode { get; init; }

    /// <summary>A JSON object. Null once all notifications are written: they have it.</summary>
    public string? Variables { get; init; }
    public Priority Priority { get; init; } = Priority.Normal;
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>One of <see cref="SendStatus"/>.</summary>
    public required string Status { get; init; }

    /// <summary>When its next step is due: the writing of its notifications, or of the next batch of them.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>The last user of the topic that has a notification: where the next batch goes on.</summary>
    public Guid? LastUserId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The states of a request as stored and on the wire.</summary>
internal static class SendStatus
{
    /// <summary>Waits for <c>send_at</c>, and can be cancelled.</summary>
    public const string Scheduled = "scheduled";

    /// <summary>Its notifications are being written.</summary>
    public const string Accepted = "accepted";

    /// <summary>All its notifications are written; each delivery has a state of its own.</summary>
    public const string Queued = "queued";
    public const string Cancelled = "cancelled";

    /// <summary><c>expires_at</c> came first.</summary>
    public const string Expired = "expired";
}

internal sealed class SendRequestConfiguration : IEntityTypeConfiguration<SendRequest>
{
    public void Configure(EntityTypeBuilder<SendRequest> builder)
    {
        builder.ToTable("send_requests");
        builder.HasKey(request => request.Id);
        builder.Property(request => request.Id).ValueGeneratedNever();
        builder.Property(request => request.Sender).HasMaxLength(100);
        builder.Property(request => request.RequestId).HasMaxLength(SendRequest.MaxRequestIdLength);
        builder.Property(request => request.Channel).HasMaxLength(10);
        builder.Property(request => request.Topic).HasMaxLength(TopicSubscription.MaxTopicLength);
        builder.Property(request => request.TemplateCode).HasMaxLength(100);
        builder.Property(request => request.Variables).HasColumnType("jsonb");
        builder.Property(request => request.Status).HasMaxLength(10);
        builder.HasIndex(request => new { request.Sender, request.RequestId }).IsUnique();
        builder.HasIndex(request => new { request.Priority, request.DueAt }).HasFilter("status IN ('scheduled', 'accepted')");
        builder.HasIndex(request => request.DueAt); // for SendCleanup
        builder.HasIndex(request => request.UserId).HasFilter("user_id IS NOT NULL");
    }
}
