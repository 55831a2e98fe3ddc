using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Inbox;

/// <summary>
/// A user's language, address and enabled channels. Events may arrive before the user's registration: until then the language
/// is English and the only channel is push.
/// </summary>
internal sealed class Recipient
{
    public Guid UserId { get; init; }
    public required string Language { get; init; }

    /// <summary>Null for users registered before this service sent e-mail.</summary>
    public string? Email { get; init; }
    public bool PushEnabled { get; init; } = true;

    /// <summary>True only for verified addresses; Auth ensures that.</summary>
    public bool EmailEnabled { get; init; }

    /// <summary>The time of the latest event. Events arrive in any order, so older ones are ignored.</summary>
    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>Upserts recipients, except those with a later event already stored.</summary>
    public static Task SaveAsync(NotificationsDbContext database, IEnumerable<Recipient> recipients, CancellationToken cancellationToken)
    {
        // Sorted, so that two batches with the same users do not deadlock; one row per user, because ON CONFLICT DO UPDATE cannot
        // change a row twice.
        var latest = recipients.GroupBy(recipient => recipient.UserId)
            .Select(ofUser => ofUser.MaxBy(recipient => recipient.OccurredAt)).OfType<Recipient>().OrderBy(recipient => recipient.UserId).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO recipients AS known (user_id, language, email, push_enabled, email_enabled, occurred_at)
            SELECT * FROM unnest(
                {latest.ConvertAll(recipient => recipient.UserId)},
                {latest.ConvertAll(recipient => recipient.Language)},
                {latest.ConvertAll(recipient => recipient.Email)},
                {latest.ConvertAll(recipient => recipient.PushEnabled)},
                {latest.ConvertAll(recipient => recipient.EmailEnabled)},
                {latest.ConvertAll(recipient => recipient.OccurredAt)})
            ON CONFLICT (user_id) DO UPDATE SET language = excluded.language, email = excluded.email,
                push_enabled = excluded.push_enabled, email_enabled = excluded.email_enabled, occurred_at = excluded.occurred_at
            WHERE known.occurred_at < excluded.occurred_at
            """, cancellationToken);
    }
}

internal sealed class RecipientConfiguration : IEntityTypeConfiguration<Recipient>
{
    public void Configure(EntityTypeBuilder<Recipient> builder)
    {
        builder.ToTable("recipients");
        builder.HasKey(recipient => recipient.UserId);
        builder.Property(recipient => recipient.UserId).ValueGeneratedNever();
        builder.Property(recipient => recipient.Language).HasMaxLength(10);
        builder.Property(recipient => recipient.Email).HasMaxLength(254);
        builder.Property(recipient => recipient.PushEnabled).HasDefaultValue(true).HasSentinel(true);
    }
}
