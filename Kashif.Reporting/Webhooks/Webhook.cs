using Kashif.Messaging.Events;
using Kashif.Reporting.Agencies;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Webhooks;

/// <summary>An address to which events of public reports are sent.</summary>
internal sealed class Webhook
{
    /// <summary>The kind in the audit trail.</summary>
    public const string Kind = "webhook";
    public const int UrlMax = 2000;
    public const int SecretMin = 32;
    public const int SecretMax = 200;

    public Guid Id { get; init; }

    /// <summary>The agency whose it is; null for the city's, which gets the events of all reports.</summary>
    public Guid? AgencyId { get; init; }
    public string Url { get; init; } = "";

    /// <summary>The wire names of the events, from <see cref="WebhookEvents.All"/>.</summary>
    public string[] Events { get; init; } = [];

    /// <summary>Signs the deliveries. Encrypted, and bound to the id.</summary>
    public byte[] SealedSecret { get; init; } = [];
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>The events that webhooks can get.</summary>
internal static class WebhookEvents
{
    public static IReadOnlyList<string> All { get; } =
    [
        ReportCreated.Type, ReportStatusUpdated.Type, ReportUpdated.Type, ReportDeleted.Type, ReportMerged.Type, ReportRouted.Type, ReportCommented.Type, ReportAssigned.Type,
        ReportVoted.Type, ReportOverdue.Type,
    ];
}

internal enum DeliveryStatus
{
    /// <summary>It is sent at <see cref="WebhookDelivery.NextAttemptAt"/>.</summary>
    Pending,
    Delivered,

    /// <summary>It is not tried again, because all tries of a day have failed.</summary>
    Dead,
}

/// <summary>One event for one webhook.</summary>
internal sealed class WebhookDelivery
{
    public Guid Id { get; init; }
    public Guid WebhookId { get; init; }
    public Guid EventId { get; init; }
    public Guid ReportId { get; init; }
    public string Type { get; init; } = "";

    /// <summary>The body: a CloudEvent as JSON.</summary>
    public string Payload { get; init; } = "";

    /// <summary>When the event happened: the order of the events of a report.</summary>
    public DateTimeOffset OccurredAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DeliveryStatus Status { get; init; }
    public int Attempts { get; init; }

    /// <summary>While it is being sent, the end of the lease: after a crash it is sent again then.</summary>
    public DateTimeOffset NextAttemptAt { get; init; }

    /// <summary>A failure after this time is the last.</summary>
    public DateTimeOffset GiveUpAt { get; init; }
    public DateTimeOffset? DeliveredAt { get; init; }

    /// <summary>Why the last try failed.</summary>
    public string? LastError { get; init; }
}

internal sealed class WebhookConfiguration : IEntityTypeConfiguration<Webhook>, IEntityTypeConfiguration<WebhookDelivery>
{
    private const string Pending = "status = 'pending'";

    public void Configure(EntityTypeBuilder<Webhook> webhook)
    {
        webhook.ToTable("webhooks");
        webhook.HasKey(row => row.Id);
        webhook.Property(row => row.Id).ValueGeneratedNever();
        webhook.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        webhook.HasIndex(row => row.AgencyId);
    }

    public void Configure(EntityTypeBuilder<WebhookDelivery> delivery)
    {
        delivery.ToTable("webhook_deliveries");
        delivery.HasKey(row => row.Id);
        delivery.Property(row => row.Id).ValueGeneratedNever();
        delivery.Property(row => row.Type).HasMaxLength(100);
        delivery.Property(row => row.Status).HasMaxLength(20).HasConversion(
            status => status.ToString().ToLowerInvariant(), name => Enum.Parse<DeliveryStatus>(name, ignoreCase: true));
        delivery.HasOne<Webhook>().WithMany().HasForeignKey(row => row.WebhookId).OnDelete(DeleteBehavior.Cascade);
        delivery.HasIndex(row => new { row.EventId, row.WebhookId }).IsUnique();
        delivery.HasIndex(row => new { row.WebhookId, row.Id });
        delivery.HasIndex(row => row.ReportId);
        delivery.HasIndex(row => new { row.WebhookId, row.NextAttemptAt }).HasDatabaseName("ix_webhook_deliveries_due").HasFilter(Pending);
        delivery.HasIndex(row => new { row.WebhookId, row.ReportId, row.OccurredAt, row.Id }).HasDatabaseName("ix_webhook_deliveries_order").HasFilter(Pending);
        delivery.HasIndex(row => row.CreatedAt);
    }
}
