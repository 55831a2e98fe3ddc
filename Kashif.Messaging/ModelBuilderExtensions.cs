using Kashif.Http;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Idempotency;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Messaging;

/// <summary>What every service's model has in common.</summary>
public static class ModelBuilderExtensions
{
    private const int NameLength = 100;

    /// <summary>
    /// Applies the entity configurations of the context's assembly, adds the tables <c>outbox</c>, <c>inbox</c>, <c>subscriptions</c>,
    /// <c>erased_users</c> and <c>idempotency_keys</c>. The last call of <c>OnModelCreating</c>.
    /// </summary>
    public static ModelBuilder ApplyKashifConventions(this ModelBuilder modelBuilder, DbContext context)
    {
        modelBuilder.ApplyConfigurationsFromAssembly(context.GetType().Assembly);

        modelBuilder.Entity<OutboxMessage>(outbox =>
        {
            outbox.ToTable("outbox");
            outbox.HasKey(message => message.Id);
            outbox.Property(message => message.Id).ValueGeneratedNever();
            outbox.Property(message => message.Type).HasMaxLength(NameLength);
            outbox.Property(message => message.Subject).HasMaxLength(NameLength);
            outbox.Property(message => message.TraceParent).HasMaxLength(NameLength);
            outbox.Property(message => message.CorrelationId).HasMaxLength(CorrelationId.MaxLength);
            outbox.Property(message => message.Payload).HasColumnType("jsonb");
        });

        modelBuilder.Entity<InboxEntry>(inbox =>
        {
            inbox.ToTable("inbox");
            inbox.HasKey(entry => new { entry.EventId, entry.Handler });
            inbox.Property(entry => entry.Handler).HasMaxLength(NameLength);
            inbox.HasIndex(entry => entry.ProcessedAt);
        });

        modelBuilder.Entity<Tombstone>(tombstone =>
        {
            tombstone.ToTable("erased_users");
            tombstone.HasKey(erased => erased.UserId);
            tombstone.Property(erased => erased.UserId).ValueGeneratedNever();
        });

        modelBuilder.Entity<Subscription>(subscription =>
        {
            subscription.ToTable("subscriptions");
            subscription.HasKey(row => row.EventType);
            subscription.Property(row => row.EventType).HasMaxLength(NameLength);
        });

        modelBuilder.Entity<IdempotencyRecord>(record =>
        {
            record.ToTable("idempotency_keys");
            record.HasKey(entry => new { entry.UserId, entry.Route, entry.Key });
            record.Property(entry => entry.Route).HasMaxLength(IdempotencyKey.MaxRouteLength);
            record.Property(entry => entry.Key).HasMaxLength(IdempotencyKey.MaxLength);
            record.HasIndex(entry => entry.CreatedAt);
        });

        return modelBuilder;
    }
}
