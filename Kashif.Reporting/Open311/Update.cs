using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Open311;

/// <summary>What a client has sent about a request (FixMyStreet's extension). It is public, and changes no status: only staff do.</summary>
internal sealed class Update
{
    public const int ClientIdMax = 200;

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
    }
}

internal static class UpdateQueries
{
    /// <summary>Without what clients have sent whose key was revoked: that is how their texts leave the public surfaces.</summary>
    public static IQueryable<Update> FromKeysInForce(this IQueryable<Update> updates, ReportingDbContext database) =>
        updates.Where(update => database.Open311Keys.Any(key => key.Id == update.KeyId && key.RevokedAt == null));
}
