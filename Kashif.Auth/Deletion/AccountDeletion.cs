using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Deletion;

/// <summary>
/// A person's wish to be forgotten, on its way through all services. It outlives the account, and holds nothing of it but its
/// id, which nothing links to a person any more.
/// </summary>
internal sealed class AccountDeletion
{
    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>
    /// When the services are told (again): access tokens that were out at the time of the wish may have made something new
    /// until they expired, and a service may have been away.
    /// </summary>
    public required DateTimeOffset NextSweepAt { get; set; }

    /// <summary>When every service had confirmed, after the last access token had expired.</summary>
    public DateTimeOffset? CompletedAt { get; set; }
}

/// <summary>A service's word that it holds nothing of the person any more.</summary>
internal sealed class DeletionReceipt
{
    public required Guid DeletionId { get; init; }

    /// <summary>Of <see cref="ResourceNames"/>.</summary>
    public required string Service { get; init; }

    /// <summary>When it erased last.</summary>
    public required DateTimeOffset ErasedAt { get; set; }
}

internal sealed class AccountDeletionConfiguration : IEntityTypeConfiguration<AccountDeletion>, IEntityTypeConfiguration<DeletionReceipt>
{
    public void Configure(EntityTypeBuilder<AccountDeletion> builder)
    {
        builder.ToTable("account_deletions");
        builder.Property(deletion => deletion.Id).ValueGeneratedNever();
        builder.HasIndex(deletion => deletion.UserId).IsUnique();
        builder.HasIndex(deletion => deletion.NextSweepAt).HasFilter("completed_at IS NULL");
    }

    public void Configure(EntityTypeBuilder<DeletionReceipt> builder)
    {
        builder.ToTable("deletion_receipts");
        builder.HasKey(receipt => new { receipt.DeletionId, receipt.Service });
        builder.Property(receipt => receipt.Service).HasMaxLength(30);
        builder.HasOne<AccountDeletion>().WithMany().HasForeignKey(receipt => receipt.DeletionId).OnDelete(DeleteBehavior.Cascade);
    }
}
