using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Feed;

/// <summary>
/// How a user is spoken to, and where. Events can be about users that this service has not heard of yet: they get English, on
/// their devices.
/// </summary>
internal sealed class Recipient
{
    public Guid UserId { get; init; }
    public required string Language { get; init; }

    /// <summary>Null for those of before e-mail was sent.</summary>
    public string? Email { get; init; }
    public bool PushEnabled { get; init; } = true;

    /// <summary>Only for addresses that are proven to be the person's: Auth sees to that.</summary>
    public bool EmailEnabled { get; init; }

    /// <summary>When that was so: events arrive in any order, and the one that occurred last counts.</summary>
    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>Writes what events say, where nothing later is known.</summary>
    public static Task SaveAsync(NotificationsDbContext database, IEnumerable<Recipient> recipients, CancellationToken cancellationToken)
    {
        // Sorted, so that two batches which share users wait for each other instead of locking each other out; one row a user,
        // because a statement changes a row once.
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
