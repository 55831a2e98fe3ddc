using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Inbox;

/// <summary>
/// The position of the latest notification in a user's inbox. A writer holds the row's lock until its transaction ends, so positions are
/// committed in their order: a stream that has read up to one has missed none before it.
/// </summary>
internal sealed class InboxHead
{
    public Guid UserId { get; init; }
    public long Position { get; init; }

    /// <summary>Takes positions for notifications of these users, and wakes the users' streams when the transaction commits.</summary>
    /// <param name="users">The user of each notification.</param>
    /// <returns>The positions, in the order of <paramref name="users"/>.</returns>
    public static async Task<long[]> AdvanceAsync(NotificationsDbContext database, IReadOnlyList<Guid> users, CancellationToken cancellationToken)
    {
        // Sorted, so that two batches with the same users wait for each other instead of deadlocking.
        var counts = users.CountBy(user => user).OrderBy(user => user.Key).ToList();
        var heads = await database.Database
            .SqlQuery<Head>($"""
                INSERT INTO inbox_heads AS head (user_id, position)
                SELECT * FROM unnest({counts.ConvertAll(user => user.Key)}, {counts.ConvertAll(user => (long)user.Value)})
                ON CONFLICT (user_id) DO UPDATE SET position = head.position + excluded.position
                RETURNING user_id, position, (
                    SELECT count(pg_notify({InboxWakeUps.Channel}, payload)) FROM unnest({InboxWakeUps.Payloads(counts.ConvertAll(user => user.Key))}) AS payload) AS wake_ups
                """)
            .ToListAsync(cancellationToken);

        var next = heads.ToDictionary(head => head.UserId, head => head.Position);
        foreach (var (user, count) in counts)
        {
            next[user] -= count;
        }

        return [.. users.Select(user => ++next[user])];
    }

    private sealed record Head(Guid UserId, long Position);
}

internal sealed class InboxHeadConfiguration : IEntityTypeConfiguration<InboxHead>
{
    public void Configure(EntityTypeBuilder<InboxHead> builder)
    {
        builder.ToTable("inbox_heads");
        builder.HasKey(head => head.UserId);
        builder.Property(head => head.UserId).ValueGeneratedNever();
    }
}
