using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Trust;

/// <summary>Keeps the newest score of each user: events arrive in any order.</summary>
internal sealed class ReporterScores(ReportingDbContext database) : IEventHandler<ScoreUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ScoreUpdated>> events, CancellationToken cancellationToken)
    {
        // In one order, so that two batches wait for each other instead of deadlocking.
        var newest = events.GroupBy(received => received.Data.UserId).OrderBy(user => user.Key).Select(user => user.OrderBy(received => received.Time).Last()).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO reporter_scores AS held (user_id, score, at)
            SELECT * FROM unnest({newest.ConvertAll(received => received.Data.UserId)}, {newest.ConvertAll(received => received.Data.Score)}, {newest.ConvertAll(received => received.Time)})
            ON CONFLICT (user_id) DO UPDATE SET score = excluded.score, at = excluded.at WHERE held.at < excluded.at
            """, cancellationToken);
    }
}
