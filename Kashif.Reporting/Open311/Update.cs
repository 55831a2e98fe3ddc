using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Open311;

/// <summary>What a client has sent about a request (FixMyStreet's extension). It is public, and changes no status: only staff do.</summary>
internal sealed class Update
{
    public const int ClientIdMax = 200;
    public const int ReasonMax = 500;

    public Guid Id { get; init; }
    public Guid KeyId { get; init; }
    public Guid ReportId { get; init; }

    /// <summary>The client's id of the update.</summary>
    public required string ClientId { get; init; }

    /// <summary>One of <see cref="UpdateStatuses"/>.</summary>
    public required string Status { get; init; }
    public required string Description { get; init; }
    public string? MediaUrl { get; init; }
    public DateTimeOffset At { get; init; }

    /// <summary>When staff hid it; null if everyone sees it.</summary>
    public DateTimeOffset? HiddenAt { get; init; }
    public Guid? HiddenBy { get; init; }
    public string? HiddenReason { get; init; }
}

internal sealed class UpdateConfiguration : IEntityTypeConfiguration<Update>
{
    public void Configure(EntityTypeBuilder<Update> update)
    {
        update.ToTable("open311_updates");
        update.HasKey(row => row.Id);
        update.Property(row => row.Id).ValueGeneratedNever();
        update.HasOne<ApiKey>().WithMany().HasForeignKey(row => row.KeyId).OnDelete(DeleteBehavior.Restrict);
        update.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        update.HasIndex(row => new { row.KeyId, row.ReportId, row.ClientId }).IsUnique();
        update.HasIndex(row => row.ReportId);
        update.HasIndex(row => row.At);
        update.HasIndex(row => row.HiddenBy).HasFilter("hidden_by IS NOT NULL"); // an erasure reads it
    }
}

internal static class UpdateQueries
{
    /// <summary>Without what staff have hidden, and what clients have sent whose key was revoked: that is how their texts leave the public surfaces.</summary>
    public static IQueryable<Update> Public(this IQueryable<Update> updates, ReportingDbContext database) =>
        updates.Where(update => update.HiddenAt == null && database.Open311Keys.Any(key => key.Id == update.KeyId && key.RevokedAt == null));

    /// <summary>For the erasure of a user.</summary>
    public static Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken) =>
        database.Open311Updates.Where(update => update.HiddenBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(update => update.HiddenBy, ErasedUser.Id), cancellationToken);
}
