using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Follows;

/// <summary>
/// Tells the followers of a report of its changes and comments. It listens to Reporting's own events, so that each way to change a report tells
/// them, and looks at the report again at each batch: what is not public any more is told to no one.
/// </summary>
internal sealed class FollowerNotices(ReportingDbContext database) : IEventHandler<ReportStatusUpdated>, IEventHandler<ReportCommented>
{
    /// <summary>How many followers one event tells.</summary>
    public const int Batch = 500;

    private static readonly string Merged = ReportStatus.Duplicate.WireName();

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) => TellFirstAsync(
        [
            .. events.Select(received => (new FollowerNotice
            {
                EventId = received.Id,
                ReportId = received.Data.ReportId,
                ActorId = received.Data.ChangedBy,
                Status = received.Data.To,
                Text = received.Data.Comment,
                OccurredAt = received.Time,
            }, received.Cause)),
        ],
        cancellationToken);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCommented>> events, CancellationToken cancellationToken) => TellFirstAsync(
        [
            .. events.Select(received => (new FollowerNotice
            {
                EventId = received.Id,
                ReportId = received.Data.ReportId,
                ActorId = received.Data.UserId,
                CommentId = received.Data.CommentId,
                ByStaff = received.Data.ByStaff,
                OccurredAt = received.Time,
            }, received.Cause)),
        ],
        cancellationToken);

    /// <summary>Publishes the notice for the next followers, and moves its position.</summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> TellAsync(FollowerNotice notice, EventCause? cause, CancellationToken cancellationToken)
    {
        var report = await database.Reports.AsNoTracking().Public().Where(row => row.Id == notice.ReportId)
            .Select(row => new { row.UserId, row.Title }).SingleOrDefaultAsync(cancellationToken);
        if (report is null)
        {
            return false;
        }

        var followers = database.Follows.Where(follow => follow.UserId > notice.LastUserId && follow.At <= notice.OccurredAt);
        followers = notice.Status == Merged
            ? followers.Where(follow => follow.ReportId == notice.ReportId || follow.MovedFrom == notice.ReportId)
            : followers.Where(follow => follow.ReportId == notice.ReportId);
        var users = await followers.Where(follow => follow.UserId != notice.ActorId && follow.UserId != report.UserId)
            .Select(follow => follow.UserId).Distinct().Order().Take(Batch).ToListAsync(cancellationToken);
        if (users.Count > 0)
        {
            database.Publish(
                new ReportFollowerNotice(notice.ReportId, notice.EventId, users, report.Title, notice.Status, notice.Text, notice.CommentId, notice.ByStaff),
                notice.OccurredAt,
                cause);
            notice.LastUserId = users[^1];
        }

        return users.Count == Batch;
    }

    private async Task TellFirstAsync(IReadOnlyList<(FollowerNotice Notice, EventCause Cause)> notices, CancellationToken cancellationToken)
    {
        var reports = notices.Select(entry => entry.Notice.ReportId).Distinct().ToArray();
        var followed = await database.Follows.Where(follow => reports.Contains(follow.ReportId)).Select(follow => follow.ReportId)
            .Union(database.Follows.Where(follow => follow.MovedFrom != null && reports.Contains(follow.MovedFrom.Value)).Select(follow => follow.MovedFrom ?? Guid.Empty))
            .ToListAsync(cancellationToken);
        foreach (var (notice, cause) in notices.Where(entry => followed.Contains(entry.Notice.ReportId)))
        {
            if (await TellAsync(notice, cause, cancellationToken))
            {
                database.FollowerNotices.Add(notice);
            }
        }
    }
}

/// <summary>
/// Tells the next followers of a change, in batches with the position in the same transaction. Replicas share the work: each takes a notice that
/// no other has locked.
/// </summary>
internal sealed class FollowerNoticeWorker(IServiceScopeFactory scopes, TimeProvider time, ILogger<FollowerNoticeWorker> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        var notices = services.GetRequiredService<FollowerNotices>();
        while (true)
        {
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            if (await database.FollowerNotices.FromSql($"SELECT * FROM follower_notices ORDER BY event_id LIMIT 1 FOR UPDATE SKIP LOCKED")
                .SingleOrDefaultAsync(cancellationToken) is not { } notice)
            {
                return;
            }

            if (!await notices.TellAsync(notice, cause: null, cancellationToken))
            {
                database.Remove(notice);
            }

            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(CancellationToken.None);
            database.ChangeTracker.Clear();
        }
    }
}
