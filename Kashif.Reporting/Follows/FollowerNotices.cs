using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Follows;

/// <summary>A user to tell.</summary>
/// <param name="Notice">The notice's position among the notices, from 1.</param>
/// <param name="AreaId">The area that the user follows; null if it is the report.</param>
internal sealed record ToldFollower(long Notice, Guid UserId, Guid? AreaId);

/// <summary>
/// Tells the followers of a report of its changes and comments, and the followers of its areas that it is new, or resolved. It listens to Reporting's own
/// events, so that each way to change a report tells them, and looks at the report again at each batch: what is not public any more is told to no one.
/// </summary>
internal sealed class FollowerNotices(ReportingDbContext database, AgencyRouting routing, ReportingMetrics metrics)
    : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>, IEventHandler<ReportCommented>
{
    /// <summary>How many followers one notice tells in one transaction.</summary>
    public const int Batch = 500;

    private static readonly string Merged = ReportStatus.Duplicate.WireName();
    private static readonly string Resolved = ReportStatus.Resolved.WireName();

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) => TellFirstAsync(
        [
            .. events.Where(received => !received.Data.Private).Select(received => (new FollowerNotice
            {
                EventId = received.Id,
                ReportId = received.Data.ReportId,
                ActorId = received.Data.UserId,
                OccurredAt = received.Time,
            }, (EventCause?)received.Cause)),
        ],
        cancellationToken);

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
            }, (EventCause?)received.Cause)),
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
            }, (EventCause?)received.Cause)),
        ],
        cancellationToken);

    /// <summary>Publishes each notice for its next followers, and moves its position.</summary>
    /// <returns>The notices that may have more.</returns>
    public async Task<IReadOnlyList<FollowerNotice>> TellAsync(IReadOnlyList<(FollowerNotice Notice, EventCause? Cause)> notices, CancellationToken cancellationToken)
    {
        var ids = notices.Select(entry => entry.Notice.ReportId).Distinct().ToArray();
        var reports = await database.Reports.AsNoTracking().Public().Where(report => ids.Contains(report.Id)).ToDictionaryAsync(report => report.Id, cancellationToken);
        var shown = notices.Where(entry => reports.ContainsKey(entry.Notice.ReportId)).Select(entry => (entry.Notice, entry.Cause, Report: reports[entry.Notice.ReportId])).ToList();
        var map = shown.Exists(entry => IsForAreas(entry.Notice)) ? await routing.MapAsync(cancellationToken) : AreaMap.Empty;
        var areas = shown.ConvertAll(entry => IsForAreas(entry.Notice) ? map.Holding(entry.Report.Latitude, entry.Report.Longitude).ToArray() : []);
        var told = (await FollowersAsync(shown.ConvertAll(entry => (entry.Notice, entry.Report)), areas, cancellationToken)).ToLookup(follower => (int)follower.Notice - 1);

        var more = new List<FollowerNotice>();
        foreach (var (index, (notice, cause, report)) in shown.Index())
        {
            var followers = told[index].ToList();
            foreach (var group in followers.GroupBy(follower => follower.AreaId, follower => follower.UserId))
            {
                Guid[] users = [.. group];
                if (group.Key is not { } areaId)
                {
                    database.Publish(
                        new ReportFollowerNotice(report.Id, notice.EventId, users, report.Title, notice.Status, notice.Text, notice.CommentId, notice.ByStaff), notice.OccurredAt, cause);
                }
                else
                {
                    var area = areas[index].Single(area => area.Id == areaId);
                    database.Publish(
                        new AreaFollowerNotice(report.Id, notice.EventId, areaId, area.NameEn, area.NameAr, users, report.Title, notice.Status == Resolved, notice.Text), notice.OccurredAt, cause);
                }

                metrics.FollowersTold(group.Key is null ? "report" : "area", users.Length);
            }

            if (followers.Count == Batch)
            {
                notice.LastUserId = followers[^1].UserId;
                more.Add(notice);
            }
        }

        return more;
    }

    private async Task TellFirstAsync(IReadOnlyList<(FollowerNotice Notice, EventCause? Cause)> notices, CancellationToken cancellationToken) =>
        database.FollowerNotices.AddRange(await TellAsync(notices, cancellationToken));

    /// <summary>Whether followers of the report's areas are told: of a new report, and of a resolved one.</summary>
    private static bool IsForAreas(FollowerNotice notice) => IsNew(notice) || notice.Status == Resolved;

    private static bool IsNew(FollowerNotice notice) => notice.Status is null && notice.CommentId is null;

    /// <summary>
    /// The next followers of each notice, by the user's id. Each user once: as a follower of the report, else of the smallest area. The branches read no more
    /// than a batch from an index each, however many followers there are.
    /// </summary>
    /// <param name="areas">Of each notice: the areas whose followers are told, the smallest first.</param>
    private Task<List<ToldFollower>> FollowersAsync(IReadOnlyList<(FollowerNotice Notice, Report Report)> notices, IReadOnlyList<CityArea[]> areas, CancellationToken cancellationToken)
    {
        var reports = notices.Select(entry => IsNew(entry.Notice) ? (Guid?)null : entry.Report.Id).ToArray();
        var moved = notices.Select(entry => entry.Notice.Status == Merged ? entry.Report.Id : (Guid?)null).ToArray();
        var actors = notices.Select(entry => entry.Notice.ActorId).ToArray();
        var owners = notices.Select(entry => entry.Report.UserId).ToArray();
        var clerks = notices.Select(entry => IsNew(entry.Notice) ? entry.Report.FiledBy ?? ErasedUser.Id : ErasedUser.Id).ToArray();
        var times = notices.Select(entry => entry.Notice.OccurredAt).ToArray();
        var last = notices.Select(entry => entry.Notice.LastUserId).ToArray();
        var areaNotices = areas.SelectMany((held, index) => held.Select(_ => index + 1L)).ToArray();
        var areaIds = areas.SelectMany(held => held.Select(area => area.Id)).ToArray();
        return database.Database.SqlQuery<ToldFollower>($"""
            SELECT notice.number AS notice, told.user_id, told.area_id
            FROM unnest({reports}, {moved}, {actors}, {owners}, {clerks}, {times}, {last}) WITH ORDINALITY
                AS notice (report_id, moved_from, actor, owner, clerk, occurred_at, last, number)
            CROSS JOIN LATERAL (
                SELECT DISTINCT ON (user_id) user_id, area_id FROM (
                    (SELECT user_id, NULL::uuid AS area_id, 0::bigint AS place FROM follows
                     WHERE report_id = notice.report_id AND user_id > notice.last AND at <= notice.occurred_at AND user_id NOT IN (notice.actor, notice.owner)
                     ORDER BY user_id LIMIT {Batch})
                    UNION ALL
                    (SELECT DISTINCT user_id, NULL::uuid, 0::bigint FROM follows
                     WHERE moved_from = notice.moved_from AND user_id > notice.last AND at <= notice.occurred_at AND user_id NOT IN (notice.actor, notice.owner)
                     ORDER BY user_id LIMIT {Batch})
                    UNION ALL
                    SELECT follower.user_id, area.id, area.place
                    FROM unnest({areaNotices}, {areaIds}) WITH ORDINALITY AS area (notice, id, place)
                    CROSS JOIN LATERAL (
                        SELECT user_id FROM area_follows
                        WHERE area_id = area.id AND user_id > notice.last AND at <= notice.occurred_at AND user_id NOT IN (notice.actor, notice.owner, notice.clerk)
                        ORDER BY user_id LIMIT {Batch}
                    ) AS follower
                    WHERE area.notice = notice.number
                ) AS follower
                ORDER BY user_id, place LIMIT {Batch}
            ) AS told
            ORDER BY notice.number, told.user_id
            """).ToListAsync(cancellationToken);
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

            if (await notices.TellAsync([(notice, null)], cancellationToken) is [])
            {
                database.Remove(notice);
            }

            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(CancellationToken.None);
            database.ChangeTracker.Clear();
        }
    }
}
