using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Ledger;

/// <summary>A credit to look at when its points expire. <see cref="ExpiringLots"/> has the remaining points.</summary>
internal sealed class PointExpiry
{
    public Guid TransactionId { get; init; }
    public Guid UserId { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
}

internal sealed class PointExpiryConfiguration : IEntityTypeConfiguration<PointExpiry>
{
    public void Configure(EntityTypeBuilder<PointExpiry> expiry)
    {
        expiry.ToTable("point_expiries");
        expiry.HasKey(row => row.TransactionId);
        expiry.Property(row => row.TransactionId).ValueGeneratedNever();
        expiry.HasIndex(row => row.ExpiresAt);
        expiry.HasIndex(row => row.UserId); // an erasure reads it
    }
}

/// <summary>
/// Queues credits that expire. A debit that is undone may put points back into a credit whose time is up, so it is looked at too, at once,
/// if the user has such a credit.
/// </summary>
internal sealed class ExpiryQueue(GamificationDbContext database) : ILedgerStep
{
    public async Task BookedAsync(IReadOnlyList<PointTransaction> entries, CancellationToken cancellationToken)
    {
        var credits = entries.Where(entry => entry.Points > 0 && entry.UserId != ErasedUser.Id).ToList();
        database.Expiries.AddRange(
            from entry in credits
            where entry.ExpiresAt is not null
            select new PointExpiry { TransactionId = entry.Id, UserId = entry.UserId, ExpiresAt = entry.ExpiresAt.GetValueOrDefault() });
        var undone = credits.FindAll(entry => entry is { Reverses: not null, ExpiresAt: null });
        if (undone.Count > 0)
        {
            await database.Database.ExecuteSqlAsync($"""
                INSERT INTO point_expiries (transaction_id, user_id, expires_at)
                SELECT id, user_id, at FROM unnest({undone.ConvertAll(entry => entry.Id)}, {undone.ConvertAll(entry => entry.UserId)}, {undone.ConvertAll(entry => entry.CreatedAt)}) AS entry (id, user_id, at)
                WHERE EXISTS (SELECT FROM point_transactions credit WHERE credit.user_id = entry.user_id AND credit.expires_at <= entry.at)
                """, cancellationToken);
        }
    }
}
