using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Assistant;

/// <summary>A user's question and the assistant's reply.</summary>
internal sealed class AssistantMessage
{
    /// <summary>In characters.</summary>
    public const int MaxTextLength = 2000;

    /// <summary>From <see cref="Messaging.TimeOrderedId"/>: the history's sort key.</summary>
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public required string Text { get; init; }
    public required string Reply { get; init; }

    /// <summary>Of <see cref="Intents"/>.</summary>
    public required string Intent { get; init; }
    public required string[] Sources { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class AssistantMessageConfiguration : IEntityTypeConfiguration<AssistantMessage>
{
    public void Configure(EntityTypeBuilder<AssistantMessage> builder)
    {
        builder.ToTable("assistant_messages");
        builder.HasKey(message => message.Id);
        builder.Property(message => message.Id).ValueGeneratedNever();
        builder.Property(message => message.Intent).HasMaxLength(50);
        builder.HasIndex(message => new { message.UserId, message.Id });
        builder.HasIndex(message => message.CreatedAt); // the clean-up reads it
    }
}
