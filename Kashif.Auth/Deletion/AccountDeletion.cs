using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Deletion;

/// <summary>
/// The deletion of an account in all services. It outlives the account and holds only the user id, which no longer leads to
/// a person.
/// </summary>
internal sealed class AccountDeletion
{
    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>
    /// When <c>user.deleted</c> is published again: access tokens issued before the deletion could create new data until they
    /// expired, and a service may have been unavailable.
    /// </summary>
    public required DateTimeOffset NextSweepAt { get; set; }

    /// <summary>When every service had confirmed an erasure after the last access token expired.</summary>
    public DateTimeOffset? CompletedAt { get; set; }
}

/// <summary>A service's confirmation that it has erased the user's data.</summary>
internal sealed class DeletionReceipt
{
    public required Guid DeletionId { get; init; }

    /// <summary>One of <see cref="ResourceNames.UserDataServices"/>.</summary>
    public required string Service { get; init; }

    /// <summary>The time of the last erasure.</summary>
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
