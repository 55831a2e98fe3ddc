using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Inbox;

/// <summary>How a user is spoken to. Events can be about users that this service has not heard of yet: they get English.</summary>
internal sealed class Recipient
{
    public Guid UserId { get; init; }
    public required string Language { get; init; }
}

internal sealed class RecipientConfiguration : IEntityTypeConfiguration<Recipient>
{
    public void Configure(EntityTypeBuilder<Recipient> builder)
    {
        builder.ToTable("recipients");
        builder.HasKey(recipient => recipient.UserId);
        builder.Property(recipient => recipient.UserId).ValueGeneratedNever();
        builder.Property(recipient => recipient.Language).HasMaxLength(10);
    }
}
