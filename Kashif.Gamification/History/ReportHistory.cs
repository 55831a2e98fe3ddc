using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;

namespace Kashif.Gamification.History;

/// <summary>Keeps the events of reports, for the achievements of this batch too.</summary>
internal sealed class ReportHistory(GamificationDbContext database, AchievementUnlocks achievements) : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken)
    {
        database.ReportEvents.AddRange(events.Select(e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportCreated.Type,
            ByOwner = true,
            Version = 1,
            Category = e.Data.Category,
            Latitude = e.Data.Latitude,
            Longitude = e.Data.Longitude,
            At = e.Time,
        }));
        foreach (var received in events)
        {
            achievements.Add(received.Data.UserId, received.Data.ReportId, received.Cause);
        }

        return Task.CompletedTask;
    }

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken)
    {
        database.ReportEvents.AddRange(events.Select(e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportStatusUpdated.Type,
            Status = e.Data.To,
            ByOwner = e.Data.ChangedBy == e.Data.UserId,
            Version = e.Data.Version,
            Category = e.Data.Category,
            Latitude = e.Data.Latitude,
            Longitude = e.Data.Longitude,
            At = e.Time,
        }));
        foreach (var received in events)
        {
            achievements.Add(received.Data.UserId, received.Data.ReportId, received.Cause);
        }

        return Task.CompletedTask;
    }
}
