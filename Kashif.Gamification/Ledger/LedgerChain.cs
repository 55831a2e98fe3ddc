using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>The newest entry of an account's chain, so that removed entries show. Written by the trigger that chains the entries.</summary>
internal sealed class LedgerChain
{
    public Guid Chain { get; init; }

    /// <summary>Null once the account is erased: the chain then stays without an owner.</summary>
    public Guid? UserId { get; init; }
    public long Sequence { get; init; }
    public byte[] Hash { get; init; } = [];
}

internal sealed class LedgerChainConfiguration : IEntityTypeConfiguration<LedgerChain>
{
    public void Configure(EntityTypeBuilder<LedgerChain> chain)
    {
        chain.ToTable("ledger_chains");
        chain.HasKey(row => row.Chain);
        chain.Property(row => row.Chain).ValueGeneratedNever();
        chain.HasIndex(row => row.UserId).IsUnique();
    }
}
