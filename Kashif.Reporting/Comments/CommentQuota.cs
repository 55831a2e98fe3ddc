using System.Globalization;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Comments;

/// <summary>How many comments a user has written in the window that began with the first.</summary>
internal sealed class CommentQuota
{
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    public Guid UserId { get; init; }
    public DateTimeOffset OpenedAt { get; init; }
    public int Used { get; init; }

    /// <summary>Counts one more comment. The upsert locks the row and reads its latest version, so the limit is exact on any number of replicas.</summary>
    /// <param name="limit">Per window; 0 means no limit.</param>
    /// <returns>False if the user is over quota; nothing is written then.</returns>
    public static async Task<bool> TryUseAsync(ReportingDbContext database, Guid userId, int limit, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var windowStart = now - Window;
        return limit == 0 || await database.Database.ExecuteSqlAsync($"""
            INSERT INTO comment_quotas AS held (user_id, opened_at, used) VALUES ({userId}, {now}, 1)
            ON CONFLICT (user_id) DO UPDATE SET
                opened_at = CASE WHEN held.opened_at <= {windowStart} THEN excluded.opened_at ELSE held.opened_at END,
                used = CASE WHEN held.opened_at <= {windowStart} THEN 1 ELSE held.used + 1 END
            WHERE held.used < {limit} OR held.opened_at <= {windowStart}
            """, cancellationToken) == 1;
    }

    /// <summary>For <c>Retry-After</c>: the seconds until the user's window ends.</summary>
    public static async Task<string> RetryAfterAsync(ReportingDbContext database, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var opened = await database.CommentQuotas.Where(quota => quota.UserId == userId).Select(quota => quota.OpenedAt).FirstAsync(cancellationToken);
        return Math.Max(1, Math.Ceiling((opened + Window - now).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
    }
}

internal sealed class CommentQuotaConfiguration : IEntityTypeConfiguration<CommentQuota>
{
    public void Configure(EntityTypeBuilder<CommentQuota> quota)
    {
        quota.ToTable("comment_quotas");
        quota.HasKey(row => row.UserId);
        quota.Property(row => row.UserId).ValueGeneratedNever();
    }
}
