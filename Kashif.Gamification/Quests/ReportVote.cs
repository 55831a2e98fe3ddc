using Kashif.Gamification.Data;
using Kashif.Gamification.History;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Quests;

/// <summary>A user's vote for a report of another user, as it was last: what quests count as a confirmation.</summary>
internal sealed class ReportVote
{
    public Guid ReportId { get; init; }

    /// <summary>The voter.</summary>
    public Guid UserId { get; init; }

    /// <summary>Orders the votes of one report.</summary>
    public int Version { get; init; }
    public bool Withdrawn { get; init; }
    public required string Category { get; init; }
    public double Latitude { get; init; }
    public double Longitude { get; init; }
    public DateTimeOffset At { get; init; }
}

internal sealed class ReportVoteConfiguration : IEntityTypeConfiguration<ReportVote>
{
    public void Configure(EntityTypeBuilder<ReportVote> vote)
    {
        vote.ToTable("report_votes");
        vote.HasKey(row => new { row.ReportId, row.UserId });
        vote.Property(row => row.Category).HasMaxLength(50);
        vote.HasIndex(row => new { row.UserId, row.At });
    }
}

/// <summary>Keeps the newest vote of each user for each report: events arrive in any order.</summary>
internal sealed class ReportVotes(GamificationDbContext database) : IEventHandler<ReportVoted>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportVoted>> events, CancellationToken cancellationToken)
    {
        // In one order, so that two batches wait for each other instead of deadlocking.
        var newest = events.GroupBy(received => (received.Data.ReportId, received.Data.UserId)).OrderBy(vote => vote.Key)
            .Select(vote => vote.OrderBy(received => received.Data.Version).Last()).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO report_votes AS held (report_id, user_id, version, withdrawn, category, latitude, longitude, at)
            SELECT * FROM unnest(
                {newest.ConvertAll(received => received.Data.ReportId)}, {newest.ConvertAll(received => received.Data.UserId)},
                {newest.ConvertAll(received => received.Data.Version)}, {newest.ConvertAll(received => received.Data.Withdrawn)},
                {newest.ConvertAll(received => received.Data.Category)}, {newest.ConvertAll(received => received.Data.Latitude)},
                {newest.ConvertAll(received => received.Data.Longitude)}, {newest.ConvertAll(received => received.Time)})
            ON CONFLICT (report_id, user_id) DO UPDATE SET
                version = excluded.version, withdrawn = excluded.withdrawn, category = excluded.category,
                latitude = excluded.latitude, longitude = excluded.longitude, at = excluded.at
            WHERE held.version < excluded.version
            """, cancellationToken);
    }
}

/// <summary>What quests count.</summary>
internal static class QuestEvents
{
    /// <returns>The events of the users' reports, and their votes for other reports with the status of these: a vote for a report that the city rejects, hides or deletes does not count.</returns>
    public static async Task<List<ReportEvent>> ReadAsync(
        GamificationDbContext database, IReadOnlyList<Guid> users, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var events = await database.ReportEvents.AsNoTracking().Where(row => users.Contains(row.UserId) && row.At >= since).ToListAsync(cancellationToken);
        var votes = await database.ReportVotes.AsNoTracking()
            .Where(vote => users.Contains(vote.UserId) && vote.At >= since && !vote.Withdrawn)
            .Where(vote => !database.ReportEvents.Any(row => row.ReportId == vote.ReportId && row.Event == ReportDeleted.Type)
                && database.ReportEvents.Where(row => row.ReportId == vote.ReportId && row.Hidden != null)
                    .OrderByDescending(row => row.Version).Select(row => row.Hidden).FirstOrDefault() != true)
            .Select(vote => new
            {
                Vote = vote,
                Status = database.ReportEvents.Where(row => row.ReportId == vote.ReportId && row.Status != null).OrderByDescending(row => row.Version).Select(row => row.Status).FirstOrDefault(),
            })
            .ToListAsync(cancellationToken);
        events.AddRange(votes.Select(row => new ReportEvent
        {
            ReportId = row.Vote.ReportId,
            UserId = row.Vote.UserId,
            Event = ReportVoted.Type,
            Status = row.Status is "duplicate" ? null : row.Status, // the problem was there
            Version = row.Vote.Version,
            Category = row.Vote.Category,
            Latitude = row.Vote.Latitude,
            Longitude = row.Vote.Longitude,
            At = row.Vote.At,
        }));
        return events;
    }
}
