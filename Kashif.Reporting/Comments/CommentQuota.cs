using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Comments;

/// <summary>How many comments a user has written in the window that began with the first.</summary>
internal sealed class CommentQuota
{
    private const string Table = "comment_quotas";

    public Guid UserId { get; init; }
    public DateTimeOffset OpenedAt { get; init; }
    public int Used { get; init; }

    /// <summary>Counts one more comment.</summary>
    /// <param name="limit">Per window; 0 means no limit.</param>
    /// <returns>False if the user is over quota; nothing is written then.</returns>
    public static Task<bool> TryUseAsync(ReportingDbContext database, Guid userId, int limit, DateTimeOffset now, CancellationToken cancellationToken) =>
        HourlyQuota.TryUseAsync(database, Table, userId, limit, now, cancellationToken);

    /// <summary>For <c>Retry-After</c>: the seconds until the user's window ends.</summary>
    public static async Task<string> RetryAfterAsync(ReportingDbContext database, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var opened = await database.CommentQuotas.Where(quota => quota.UserId == userId).Select(quota => quota.OpenedAt).FirstAsync(cancellationToken);
        return HourlyQuota.RetryAfter(opened, now);
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
